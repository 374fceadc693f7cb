/** How much a route takes: counted in bytes of data, whatever the framing says, and refused before the upstream believes it whole. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { valuesOf } from '../../src/selftest/raw-message.ts'
import { forwardings } from './forwarded.ts'
import { crlf } from '../../src/selftest/notation.ts'
import { isProblem, isRefusal, refusals, refusedAndClosed } from './refused.ts'
import { Rig } from './rig.ts'

const rig = await Rig.start({
  services: (url) => `  lonely: { instances: ["${url.replace('127.0.0.1', 'localhost')}"] }`,
  routes: `
  small: { match: { path: /small }, body-max: 10, proxy: up }
  lonely: { match: { path: /lonely }, body-max: 10, proxy: lonely }
  reply: { match: { path: /reply }, body-max: 10, reply: { body: hi } }
`,
})

const TOO_LARGE = { status: 413, code: 'body-too-large' }
const chunked = (path: string, ...chunks: string[]): string =>
  crlf(
    `POST ${path} HTTP/1.1⏎Host: a⏎Transfer-Encoding: chunked⏎⏎` +
      chunks.map((chunk) => `${chunk.length.toString(16)}⏎${chunk}⏎`).join('') +
      '0⏎⏎',
  )

refusals(rig, [
  {
    name: 'one byte more than the limit, no connection to the upstream yet',
    send: 'POST /lonely HTTP/1.1⏎Host: a⏎Content-Length: 11⏎⏎0123456789a',
    ...TOO_LARGE,
  },
  {
    name: 'one byte more than the limit',
    send: 'POST /small HTTP/1.1⏎Host: a⏎Content-Length: 11⏎⏎0123456789a',
    ...TOO_LARGE,
  },
  {
    name: 'a length over the limit, the body not sent',
    send: 'POST /small HTTP/1.1⏎Host: a⏎Content-Length: 1000000000⏎⏎',
    ...TOO_LARGE,
  },
  {
    name: 'a length over the limit, the client waits to be told to go on',
    send: 'POST /small HTTP/1.1⏎Host: a⏎Expect: 100-continue⏎Content-Length: 11⏎⏎',
    ...TOO_LARGE,
  },
])

for (const [name, send] of [
  ['one chunk', chunked('/small', '0123456789a')],
  ['many chunks', chunked('/small', ...Array.from('0123456789a'))],
  ['a chunk without an end', chunked('/small', 'x'.repeat(100_000)).slice(0, -10)],
] as const) {
  test(`refused: more than the limit in ${name}`, async () => {
    await refusedAndClosed(rig, { name, send, ...TOO_LARGE })
    const { requests, partial } = await rig.settle(name, [{ reason: TOO_LARGE.code, status: TOO_LARGE.status }])
    assert.deepEqual(requests, [], 'complete requests upstream')
    for (const connection of partial) {
      await rig.upstream.until(() => (connection.over === 'no' ? undefined : true), 'the end of the request')
      const data = connection.partial.slice(connection.partial.indexOf('\r\n\r\n'))
      assert.ok(data.replaceAll(/[0-9a-f]+\r\n/g, '').replaceAll('\r\n', '').length <= 10, JSON.stringify(data))
    }
  })
}

forwardings(rig, [
  {
    name: 'exactly the limit',
    send: 'POST /small HTTP/1.1⏎Host: a⏎Content-Length: 10⏎⏎0123456789',
    upstream: [{ start: 'POST /small HTTP/1.1', body: '0123456789' }],
  },
  {
    name: 'exactly the limit, in chunks with extensions',
    send: 'POST /small HTTP/1.1⏎Host: a⏎Transfer-Encoding: chunked⏎⏎5;long-extension⏎01234⏎5⏎56789⏎0⏎⏎',
    upstream: [{ start: 'POST /small HTTP/1.1', body: '0123456789', framing: 'chunked' }],
  },
])

test('a client that sends much more than it may still reads its refusal', async () => {
  const client = await rig.connect()
  await client.send(crlf('POST /small HTTP/1.1⏎Host: a⏎Content-Length: 3000000⏎⏎'), Buffer.alloc(3_000_000))
  isRefusal(await client.response(), TOO_LARGE)
  assert.equal((await client.closed()).rest, '')
  client.close()
  await rig.settle('much more', [{ reason: TOO_LARGE.code, status: TOO_LARGE.status }])
})

test('a body that nobody reads is never taken for a request', async () => {
  const smuggled = crlf('GET /smuggled HTTP/1.1⏎Host: a⏎⏎')
  for (const path of ['/reply', '/a/%2f']) {
    const client = await rig.connect()
    await client.send(crlf(`POST ${path} HTTP/1.1⏎Host: a⏎Content-Length: 35⏎⏎`) + smuggled)
    const answer = await client.response()
    if (path === '/reply') assert.equal(answer.body.toString(), 'hi')
    else isProblem(answer, { status: 400, code: 'ambiguous-path' })
    assert.equal(await client.idle(), '')
    client.close()
  }
  const trace = await rig.settle('an unread body', [
    { reason: 'reply', status: 200 },
    { reason: 'ambiguous-path', status: 400 },
  ])
  assert.deepEqual(trace, { requests: [], partial: [] })
})

for (const body of ['Content-Length: 5⏎⏎hello', 'Transfer-Encoding: chunked⏎⏎5⏎hello⏎0⏎⏎']) {
  test(`a request behind a body that nobody reads is itself, or not answered: ${body.slice(0, 7)}`, async () => {
    const client = await rig.connect()
    await client.send(crlf(`POST /reply HTTP/1.1⏎Host: a⏎${body}GET /b HTTP/1.1⏎Host: b⏎⏎`))
    const first = await client.response()
    assert.equal(first.body.toString(), 'hi')
    const records = [{ reason: 'reply', status: 200 }]
    if (valuesOf(first, 'connection').includes('close')) assert.equal((await client.closed()).rest, '')
    else {
      assert.equal((await client.response()).status, 200)
      records.push({ reason: 'ok', status: 200 })
    }
    client.close()
    const { requests, partial } = await rig.settle(body, records)
    assert.deepEqual(
      [requests.map(({ start }) => start), partial],
      [records.length === 2 ? ['GET /b HTTP/1.1'] : [], []],
    )
  })
}

test('an answer of our own to HEAD has its length and no body', async () => {
  const client = await rig.connect()
  await client.send(crlf('HEAD /reply HTTP/1.1⏎Host: a⏎⏎HEAD /a/%2f HTTP/1.1⏎Host: a⏎⏎GET /reply HTTP/1.1⏎Host: a⏎⏎'))
  const answer = await client.response('HEAD')
  assert.deepEqual([answer.status, valuesOf(answer, 'content-length')], [200, ['2']])
  assert.equal((await client.response('HEAD')).status, 400)
  assert.equal((await client.response()).body.toString(), 'hi')
  client.close()
  await rig.settle('HEAD', [
    { reason: 'reply', status: 200 },
    { reason: 'ambiguous-path', status: 400 },
    { reason: 'reply', status: 200 },
  ])
})

rig.checkRecords()
