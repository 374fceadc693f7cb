/** HTTP/2 to services: many requests share a connection, both protocols meet both, and what an upstream refuses is asked again. */
import assert from 'node:assert/strict'
import http2 from 'node:http2'
import { after, beforeEach, test } from 'node:test'
import { buffer } from 'node:stream/consumers'
import { exchangeOnce } from '../../src/selftest/raw-client.ts'
import { valuesOf, written } from '../../src/selftest/raw-message.ts'
import { H2Upstream, type OnStream, ask, connectH2 } from '../support/h2.ts'
import { startPostern } from '../support/postern.ts'

const upstream = await H2Upstream.start({ settings: { maxConcurrentStreams: 20 } })
const postern = await startPostern(`
listeners: [{ address: 127.0.0.1:0 }]
admin: { address: 127.0.0.1:0 }
threads: 1
services:
  up: { instances: [${upstream.url}], protocol: h2c, timeouts: { first-byte: 500ms } }
  nobody: { instances: [http://127.0.0.1:1], protocol: h2c }
routes:
  nobody: { match: { path: /nobody }, proxy: nobody }
  all: { match: { path: /* }, body-max: 0, proxy: up }
`)
const client = connectH2(postern.port())
after(async () => {
  client.destroy()
  await postern.stop()
  await upstream.close()
})
const ok: OnStream = (stream) => {
  stream.respond({ ':status': 200 })
  stream.end('ok')
}
beforeEach(() => {
  upstream.onStream = ok
})
const once = (text: string) => exchangeOnce(postern.port(), text.replaceAll('⏎', '\r\n'))

test('HTTP/1.1 on the client’s leg', async () => {
  let seen: http2.IncomingHttpHeaders = {}
  upstream.onStream = (stream, headers) => {
    seen = headers
    stream.respond({ ':status': 201, 'x-one': '1', trailer: 'x-sum' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '5', 'set-cookie': 'no' }))
    stream.end('hello')
  }
  const answer = await once('GET /a?b HTTP/1.1⏎Host: shop.example:80⏎X-In: In⏎Connection: TE, close⏎TE: trailers⏎⏎')
  assert.deepEqual([answer.status, answer.body.toString(), valuesOf(answer, 'x-one')], [201, 'hello', ['1']])
  assert.deepEqual([written(answer.trailers), valuesOf(answer, 'trailer')], [['x-sum: 5'], ['x-sum']])
  assert.deepEqual(
    [seen[':method'], seen[':path'], seen[':authority'], seen[':scheme'], seen['x-in'], seen['te']],
    ['GET', '/a?b', 'shop.example:80', 'http', 'In', 'trailers'],
  )
  for (const name of ['host', 'connection', 'keep-alive']) assert.equal(seen[name], undefined, name)
})

test('a body from HTTP/1.1, with trailers', async () => {
  const seen: unknown[] = []
  upstream.onStream = (stream) => {
    stream.on('trailers', (trailers) => seen.push(trailers['x-up']))
    void buffer(stream).then((body) => {
      seen.push(body.toString())
      ok(stream, {})
    })
  }
  await once('POST /a HTTP/1.1⏎Host: a⏎Transfer-Encoding: chunked⏎Connection: close⏎⏎3⏎abc⏎2⏎de⏎0⏎X-Up: 1⏎⏎')
  await once('POST /a HTTP/1.1⏎Host: a⏎Content-Length: 4⏎Connection: close⏎⏎four')
  assert.deepEqual(seen, ['1', 'abcde', 'four'])
})

test('HTTP/2 on both legs, interim answers and HEAD', async () => {
  upstream.onStream = (stream) => {
    stream.additionalHeaders({ ':status': 103, link: '</a>' })
    ok(stream, {})
  }
  const answer = await ask(client, { ':path': '/a' })
  assert.deepEqual([answer.interim, answer.status, answer.body.toString()], [[103], 200, 'ok'])
  upstream.onStream = (stream) => stream.respond({ ':status': 200, 'content-length': 5 }, { endStream: true })
  const head = await ask(client, { ':path': '/a', ':method': 'HEAD' })
  assert.deepEqual([head.status, head.headers['content-length']], [200, '5'])
})

test('many at a time: as few connections as the upstream’s limit allows, and they are used again', async () => {
  const before = upstream.connections
  const paths = Array.from({ length: 90 }, (_, i) => `/n/${i}`)
  upstream.onStream = (stream, headers) => {
    stream.respond({ ':status': 200 })
    setImmediate(() => stream.end(headers[':path']))
  }
  for (let round = 0; round < 3; round++) {
    const answers = await Promise.all(paths.map((path) => ask(client, { ':path': path })))
    assert.deepEqual(
      answers.map(({ body }) => body.toString()),
      paths,
    )
  }
  const opened = upstream.connections - before
  assert.ok(opened <= 5, `${opened} connections`)
})

const LARGE = Buffer.alloc(2_000_001, 'abcdefghijklmnopqrstuvw')

test('large bodies, both ways at once', async () => {
  upstream.onStream = (stream) => {
    stream.respond({ ':status': 200 })
    stream.pipe(stream)
  }
  const answers = await Promise.all([1, 2, 3].map((i) => ask(client, { ':method': 'POST', ':path': `/${i}` }, LARGE)))
  for (const { body } of answers) assert.ok(body.equals(LARGE))
})

test('a refused stream is asked again, whatever its method; not for ever', async () => {
  let tries = 0
  upstream.onStream = (stream) => {
    if (++tries === 1) stream.close(http2.constants.NGHTTP2_REFUSED_STREAM)
    else ok(stream, {})
  }
  const answer = await once('POST /refused HTTP/1.1⏎Host: a⏎Content-Length: 0⏎Connection: close⏎⏎')
  assert.deepEqual([answer.status, tries], [200, 2])
  tries = 0
  upstream.onStream = (stream) => {
    tries++
    stream.close(http2.constants.NGHTTP2_REFUSED_STREAM)
  }
  const refused = await once('GET /refused HTTP/1.1⏎Host: a⏎Connection: close⏎⏎')
  assert.deepEqual([refused.status, tries], [502, 3])
})

test('an upstream that goes away takes no new requests, and finishes those it has', async () => {
  let gone: unknown
  upstream.onStream = (stream) => {
    gone = stream.session
    stream.session!.goaway(0)
    setImmediate(() => ok(stream, {}))
  }
  assert.equal((await ask(client, { ':path': '/last' })).status, 200)
  upstream.onStream = (stream) => {
    assert.notEqual(stream.session, gone)
    ok(stream, {})
  }
  for (let i = 0; i < 5; i++) assert.equal((await ask(client, { ':path': '/next' })).status, 200)
})

for (const [name, onStream, code] of [
  ['reset before the answer', (stream) => stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR), 'upstream-reset'],
  ['a connection that dies', (stream) => stream.session!.destroy(), 'upstream-reset'],
  ['silence', () => {}, 'upstream-timeout'],
] as const satisfies readonly (readonly [string, OnStream, string])[]) {
  test(`refused: ${name}`, async () => {
    upstream.onStream = onStream
    const answer = await once('POST /a HTTP/1.1⏎Host: a⏎Content-Length: 1⏎Connection: close⏎⏎x')
    assert.equal(JSON.parse(answer.body.toString()).code, code)
    upstream.onStream = ok
    assert.equal((await ask(client, { ':path': '/after' })).body.toString(), 'ok', 'the next is served')
  })
}

test('an answer that is reset in the middle is cut', async () => {
  upstream.onStream = (stream) => {
    stream.respond({ ':status': 200 })
    stream.write('begun')
    setImmediate(() => stream.destroy(new Error('broken')))
  }
  await assert.rejects(ask(client, { ':path': '/cut' }), /INTERNAL_ERROR/)
})

test('a client that leaves: its stream upstream is reset, the connection stays', async () => {
  const left = Promise.withResolvers<number>()
  upstream.onStream = (stream) => {
    stream.respond({ ':status': 200 })
    stream.write('begun')
    stream.on('close', () => left.resolve(stream.rstCode))
  }
  const before = upstream.connections
  const stream = client.request({ ':path': '/left' })
  stream.on('error', () => {})
  stream.once('data', () => stream.close(http2.constants.NGHTTP2_CANCEL))
  assert.equal(await left.promise, http2.constants.NGHTTP2_CANCEL)
  upstream.onStream = ok
  assert.equal((await ask(client, { ':path': '/after' })).body.toString(), 'ok')
  assert.equal(upstream.connections, before)
})

test('nobody there', async () => {
  const { status, body } = await ask(client, { ':path': '/nobody' })
  assert.deepEqual([status, JSON.parse(body.toString()).code], [502, 'upstream-unreachable'])
})
