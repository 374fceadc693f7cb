/** proxy: what policies may do to both legs while they stream, and what becomes of an exchange whose upstream fails. */
import assert from 'node:assert/strict'
import { type TestContext, describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { RawClient } from '../../selftest/raw-client.ts'
import { valuesOf } from '../../selftest/raw-message.ts'
import { RecordingUpstream, type Script, ok } from '../../selftest/recording-upstream.ts'
import { GatewayRig, policyType, routeOf } from '../../../test/support/unit/gateway-rig.ts'
import type { Policy } from '../../pipeline/policy.ts'
import { json } from '../../pipeline/reply.ts'

interface Proxied {
  readonly rig: GatewayRig
  readonly upstreams: readonly RecordingUpstream[]
  readonly upstream: RecordingUpstream
}

/** A route to a service with an instance for each script, past these policies. */
async function proxied(t: TestContext, policies: readonly Policy[], ...scripts: readonly Script[]): Promise<Proxied> {
  const upstreams = await Promise.all(scripts.map((script) => RecordingUpstream.start(script)))
  const types = policies.map((policy, i) => policyType(`p${i}`, policy))
  const rig = await GatewayRig.start(t, {
    types,
    routes: [
      routeOf('all', {}, { policies: types.map((type) => type.name), target: { kind: 'proxy', service: 'up' } }),
    ],
    services: { up: upstreams.map((upstream) => upstream.url) },
  })
  t.after(() => Promise.all(upstreams.map((upstream) => upstream.close())))
  return { rig, upstreams, upstream: upstreams[0]! }
}

const code = (answer: { readonly body: Buffer }): string => JSON.parse(answer.body.toString()).code
const chunkedAnswer = (...chunks: readonly string[]): Script => ({
  answer: `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${[...chunks, ''].map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')}`,
})

/** A promise that a test keeps when it is time. */
function gate() {
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => (open = () => resolve()))
  return { open: () => open(), opened }
}

describe('a line that would be two', () => {
  const split = 'a\r\nX-Admin: true'
  for (const [leg, policy] of [
    ['request', { upstreamRequest: (_x, out) => out.set('X-Name', split) }],
    ['answer', { response: (_x, res) => res.headers.append('X-Name', split) }],
  ] satisfies [string, Policy][]) {
    it(`is not written into the ${leg}: 500, and the operator is told`, async (t) => {
      const { rig, upstream } = await proxied(t, [policy], ok())
      const got = await rig.ask('GET /')
      assert.deepEqual([got.status, code(got)], [500, 'policy-failed'])
      assert.deepEqual(valuesOf(got, 'x-admin'), [])
      assert.equal(upstream.requests.length, leg === 'request' ? 0 : 1)
      assert.equal(rig.logged.length, 1)
      assert.deepEqual(rig.finished, [{ reason: 'policy-failed', status: 500, route: 'all', tries: 1 }])
    })
  }
})

describe('an answer on its way through', () => {
  it('may change in status and lines while its body streams', async (t) => {
    const changes: Policy = {
      response: (_x, res) => {
        assert.deepEqual([res.status, res.fromUpstream, res.body, res.headers.get('x-up')], [200, true, null, '1'])
        res.status = 203
        res.headers.set('X-Up', '2')
      },
    }
    const answer = 'HTTP/1.1 200 Fine\r\nX-Up: 1\r\nContent-Length: 2\r\n\r\nok'
    const { rig } = await proxied(t, [changes], { answer })
    const got = await rig.ask('GET /')
    assert.deepEqual([got.status, got.body.toString(), valuesOf(got, 'x-up')], [203, 'ok', ['2']])
    assert.deepEqual(rig.finished, [{ reason: 'ok', status: 203, route: 'all', tries: 1 }])
  })

  for (const [name, script] of [
    ['with a length', ok('hello')],
    ['in chunks', chunkedAnswer('he', 'llo')],
  ] as const) {
    it(`is shown whole to a policy that asks for its body, ${name}, and may be replaced`, async (t) => {
      const upper: Policy = {
        responseBody: { bytesMax: 5 },
        response: (x, res) => {
          const text = Buffer.from(res.body!).toString()
          assert.equal(text, 'hello')
          if (x.query !== '') res.body = Buffer.from(`${text.toUpperCase()}!`)
        },
      }
      const { rig } = await proxied(t, [upper], script)
      const got = await rig.ask('GET /?replace')
      assert.deepEqual([got.body.toString(), got.framing, valuesOf(got, 'content-length')], ['HELLO!', 'length', ['6']])
      assert.equal((await rig.ask('GET /')).body.toString(), 'hello')
    })

    it(`is 502 when it is more than the policy bears, ${name}`, async (t) => {
      const small: Policy = { responseBody: { bytesMax: 4 }, response: () => {} }
      const { rig, upstream } = await proxied(t, [small], script)
      const got = await rig.ask('GET /')
      assert.deepEqual([got.status, code(got)], [502, 'upstream-body-too-large'])
      await upstream.until(() => (upstream.open.length === 0 ? true : undefined), 'the end of the connection')
    })
  }

  it('waits for a policy that thinks, and loses nothing that comes meanwhile', async (t) => {
    const { open, opened } = gate()
    const parts: ((text: string) => void)[] = []
    const script: Script = {
      answer: (socket) => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 300006\r\n\r\none')
        parts.push((text) => socket.write(text))
      },
    }
    const slow: Policy = {
      response: async (_x, res) => {
        await opened
        res.headers.set('X-Slow', '1')
      },
    }
    const { rig } = await proxied(t, [slow], script)
    const asked = rig.ask('GET /')
    while (parts.length === 0) await turn()
    parts[0]!('two' + 'x'.repeat(300_000))
    for (let turns = 0; turns < 20; turns++) await turn()
    open()
    const got = await asked
    assert.equal(got.body.toString(), `onetwo${'x'.repeat(300_000)}`)
    assert.deepEqual(valuesOf(got, 'x-slow'), ['1'])
  })

  it('goes out as soon as the policy has thought, though the upstream says nothing more', async (t) => {
    const thinks: Policy = { response: async () => turn() }
    const { rig } = await proxied(t, [thinks], {
      answer: (socket) => void socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n'),
    })
    const client = await RawClient.connect(rig.port)
    await client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await client.until('3\r\none\r\n')
    client.close()
  })

  it('keeps its own lines while its connection serves somebody else', async (t) => {
    const { open, opened } = gate()
    const slow: Policy = { response: async ({ path }) => (path === '/slow' ? opened : undefined) }
    const { rig, upstream } = await proxied(t, [slow], {
      answer: 'HTTP/1.1 200 OK\r\nX-Whose: slow\r\nContent-Length: 4\r\n\r\nmine',
    })
    const asked = rig.ask('GET /slow')
    await upstream.untilRequests(1)
    for (let turns = 0; turns < 20; turns++) await turn()
    upstream.script = { answer: 'HTTP/1.1 404 Other\r\nX-Whose-Else: quick\r\nContent-Length: 5\r\n\r\nother' }
    assert.equal((await rig.ask('GET /quick')).status, 404)
    assert.equal(upstream.connections.length, 1)
    open()
    const got = await asked
    assert.deepEqual([got.status, got.body.toString(), valuesOf(got, 'x-whose')], [200, 'mine', ['slow']])
  })

  for (const [name, policy] of [
    ['at once', { response: () => json(209, {}, 'replaced') }],
    ['later', { response: async () => json(209, {}, 'replaced') }],
  ] satisfies [string, Policy][]) {
    it(`may be replaced ${name}: the upstream is left where it is`, async (t) => {
      const { rig, upstream } = await proxied(t, [policy], {
        answer: 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly some',
      })
      const got = await rig.ask('GET /')
      assert.deepEqual([got.status, got.body.toString()], [209, '{}'])
      await upstream.until(() => (upstream.open.length === 0 ? true : undefined), 'the end of the connection')
      assert.deepEqual(rig.finished, [{ reason: 'replaced', status: 209, route: 'all', tries: 1 }])
    })
  }

  it('that breaks off in its middle is never taken for whole', async (t) => {
    const { rig } = await proxied(t, [], {
      answer: (socket) => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n'),
    })
    const client = await RawClient.connect(rig.port)
    await client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    const { rest } = await client.closed()
    assert.ok(!rest.endsWith('0\r\n\r\n'))
    assert.deepEqual(rig.finished, [{ reason: 'upstream-reset', status: 200, route: 'all', tries: 1 }])
  })
})

describe('a request on its way through', () => {
  it('is shown to policies afresh before each try', async (t) => {
    let tries = 0
    const counts: Policy = { upstreamRequest: (_x, out) => out.append('X-Try', String(++tries)) }
    const { rig, upstreams } = await proxied(t, [counts], ok('one'), ok('two'))
    await upstreams[0]!.close()
    const got = await rig.ask('GET /', ['X-Own: 1'])
    assert.equal(got.body.toString(), 'two')
    const [request] = upstreams[1]!.requests
    assert.deepEqual([valuesOf(request!, 'x-try'), valuesOf(request!, 'x-own')], [['2'], ['1']])
    assert.deepEqual(rig.finished, [{ reason: 'ok', status: 200, route: 'all', tries: 2 }])
  })

  for (const [name, policy] of [
    ['at once', { upstreamRequest: () => json(209, {}, 'instead') }],
    ['later', { upstreamRequest: async () => json(209, {}, 'instead') }],
  ] satisfies [string, Policy][]) {
    it(`may be answered ${name} in the upstream's place`, async (t) => {
      const { rig, upstream } = await proxied(t, [policy], ok())
      assert.equal((await rig.ask('GET /')).status, 209)
      assert.equal(upstream.connections.length, 0)
    })
  }

  for (const [name, policy] of [
    ['throws', { upstreamRequest: (_x, out) => out.set('X', 'a\r\nb') }],
    ['rejects', { upstreamRequest: async (_x, out) => out.set('X', 'a\r\nb') }],
    ['throws on the answer', { response: (_x, res) => res.headers.set('X', 'a\r\nb') }],
    ['rejects on the answer', { response: async (_x, res) => res.headers.set('X', 'a\r\nb') }],
  ] satisfies [string, Policy][]) {
    it(`is 500 when a policy ${name}`, async (t) => {
      const { rig } = await proxied(t, [policy], ok())
      const got = await rig.ask('GET /')
      assert.deepEqual([got.status, code(got), rig.logged.length], [500, 'policy-failed', 1])
    })
  }

  it('has a length when a policy has read its chunks', async (t) => {
    const { rig, upstream } = await proxied(t, [{ requestBody: { bytesMax: 10 }, request: () => {} }], ok())
    const client = await RawClient.connect(rig.port)
    await client.send(
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n',
    )
    assert.equal((await client.response()).status, 200)
    const [request] = upstream.requests
    assert.deepEqual([request!.framing, request!.body.toString()], ['length', 'hello'])
    client.close()
  })

  it('goes out once more when a kept connection turns out to be dead', async (t) => {
    const { rig, upstream } = await proxied(t, [], ok('first'))
    await rig.ask('GET /')
    let first = true
    upstream.script = {
      answer: (socket) => {
        if (first) socket.resetAndDestroy()
        else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond')
        first = false
      },
    }
    assert.equal((await rig.ask('GET /')).body.toString(), 'second')
    assert.equal(rig.finished[1]!.tries, 2)
  })

  it('does not go out once more when it may not be sent twice', async (t) => {
    const { rig, upstream } = await proxied(t, [], ok('first'))
    await rig.ask('GET /')
    upstream.script = { answer: (socket) => socket.resetAndDestroy() }
    const got = await rig.ask('POST /', [], 'once')
    assert.deepEqual([got.status, code(got), rig.finished[1]!.tries], [502, 'upstream-reset', 1])
  })
})

describe('an upstream', () => {
  for (const [name, script, status, problem] of [
    ['that resets', { answer: (socket) => socket.resetAndDestroy() }, 502, 'upstream-reset'],
    ['that does not speak HTTP', { answer: 'SSH-2.0\r\n\r\n' }, 502, 'upstream-invalid'],
  ] satisfies [string, Script, number, string][]) {
    it(`${name} is ${status} ${problem}`, async (t) => {
      const { rig } = await proxied(t, [], script)
      const got = await rig.ask('GET /')
      assert.deepEqual([got.status, code(got)], [status, problem])
    })
  }

  it('that is not there is 502, after every instance has been asked', async (t) => {
    const { rig, upstreams } = await proxied(t, [], ok(), ok())
    await Promise.all(upstreams.map((upstream) => upstream.close()))
    const got = await rig.ask('GET /')
    assert.deepEqual([got.status, code(got), rig.finished[0]!.tries], [502, 'upstream-unreachable', 2])
  })

  it('without instances is 503', async (t) => {
    const { rig } = await proxied(t, [])
    const got = await rig.ask('GET /')
    assert.deepEqual([got.status, code(got)], [503, 'no-instance'])
  })

  it('is left alone as soon as its client has gone', async (t) => {
    const { rig, upstream } = await proxied(t, [], { answer: () => {} })
    const client = await RawClient.connect(rig.port)
    await client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await upstream.untilRequests(1)
    client.reset()
    await upstream.until(() => (upstream.open.length === 0 ? true : undefined), 'the end of the connection')
    assert.deepEqual(rig.finished, [{ reason: 'client-abort', status: 499, route: 'all', tries: 1 }])
  })
})
