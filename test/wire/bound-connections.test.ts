/** Authentication that holds for a connection (NTLM, Negotiate; RFC 4559 §6): nobody else is ever sent over one that it was said on. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crlf } from '../../src/selftest/notation.ts'
import { valuesOf } from '../../src/selftest/raw-message.ts'
import { Rig } from './rig.ts'

const rig = await Rig.start()
const OK = { reason: 'ok', status: 200 }
const get = (authorization: string): string => crlf(`GET /a HTTP/1.1⏎Host: a⏎Authorization: ${authorization}⏎⏎`)

for (const authorization of ['NTLM TlRMTVNTUAABAAAA', 'Negotiate YIIZ', 'negotiate', 'nTlM x']) {
  test(`a connection on which ${authorization} was said serves nobody else`, async () => {
    const client = await rig.connect()
    await client.send(get(authorization))
    assert.equal((await client.response()).status, 200)
    // The same client, and then a stranger (the rig's own): both over other connections.
    await client.send(get('Basic dTpw'))
    assert.equal((await client.response()).status, 200)
    client.close()
    const { requests } = await rig.settle(authorization, [OK, OK])
    const [bound, next] = requests
    assert.deepEqual(valuesOf(bound!, 'authorization'), [authorization])
    assert.notEqual(bound!.connection.id, next!.connection.id)
    await rig.upstream.until(() => (bound!.connection.over === 'no' ? undefined : true), 'the end of its connection')
    assert.equal(
      rig.upstream.requests.filter(({ connection }) => connection === bound!.connection).length,
      bound!.nth + 1,
    )
  })
}

for (const authorization of ['Basic dTpw', 'Bearer ntlm', 'NTLMv2x y', 'Negotiated z']) {
  test(`${authorization} is said with every request, and binds nothing`, async () => {
    const client = await rig.connect()
    for (let i = 0; i < 2; i++) {
      await client.send(get(authorization))
      assert.equal((await client.response()).status, 200)
    }
    client.close()
    const { requests } = await rig.settle(authorization, [OK, OK])
    assert.equal(requests[0]!.connection.id, requests[1]!.connection.id)
  })
}

rig.checkRecords()
