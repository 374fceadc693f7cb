/** The chunked coding, by the letter (RFC 9112 §7.1): what is not is refused, and the upstream is never told that it was whole. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chunkedRequests } from '../../src/selftest/corpus/chunked.ts'
import { HERE, requests } from './corpus.ts'
import { crlf } from '../../src/selftest/notation.ts'
import { refusedAndClosed } from './refused.ts'
import { Rig } from './rig.ts'

const rig = await Rig.start()

const HEAD = 'POST /a HTTP/1.1⏎Host: a⏎Transfer-Encoding: chunked⏎⏎'

const rows = chunkedRequests(HERE)
/** Of what comes before the fault the upstream may have any beginning. */
const BEFORE = ['hello', 'x'.repeat(200)]

for (const { name, send, refused } of rows) {
  if (refused === undefined) continue
  test(`refused: ${name}`, async () => {
    await refusedAndClosed(rig, { name, send, ...refused })
    const { requests, partial } = await rig.settle(name, [{ reason: refused.code, status: refused.status }])
    assert.deepEqual(
      requests.map(({ start }) => start),
      [],
      'complete requests upstream',
    )
    for (const connection of partial) {
      await rig.upstream.until(() => (connection.over === 'no' ? undefined : true), 'the end of a broken request')
      const [head, ...rest] = connection.partial.split('\r\n\r\n')
      assert.match(head ?? '', /^POST \/a HTTP\/1\.1\r\n/)
      const data = rest.join('\r\n\r\n').replaceAll(/[0-9a-f]+\r\n(.*?)\r\n/g, '$1')
      assert.ok(
        BEFORE.some((before) => before.startsWith(data)),
        `data upstream: ${JSON.stringify(data)}`,
      )
    }
  })
}

requests(
  rig,
  rows.filter(({ refused }) => refused === undefined),
)

test('a large body arrives as it was sent, whatever its chunks', async () => {
  const body = Buffer.alloc(3_000_000, (Math.PI * 1e15).toString(36))
  const chunks: (string | Buffer)[] = [crlf(HEAD)]
  for (let at = 0, size = 1; at < body.length; at += size, size = (size * 3) % 100_003) {
    const chunk = body.subarray(at, at + size)
    chunks.push(chunk.length.toString(16) + '\r\n', chunk, '\r\n')
  }
  const client = await rig.connect()
  await client.send(...chunks, '0\r\n\r\n')
  assert.equal((await client.finalResponse()).status, 200)
  client.close()
  const { requests, partial } = await rig.settle('a large body', [{ reason: 'ok', status: 200 }])
  assert.deepEqual(partial, [])
  assert.equal(requests.length, 1)
  assert.ok(requests[0]!.body.equals(body), 'the body upstream')
})

rig.checkRecords()
