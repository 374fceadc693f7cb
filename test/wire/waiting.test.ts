/** Nobody waits for ever, and nobody is cut who was not late: the places where two sides wait for each other. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { crlf } from '../../src/selftest/notation.ts'
import { isProblem } from './refused.ts'
import { Rig } from './rig.ts'

/** Sends everything back, and reads no faster than that goes. */
const echo = createServer((socket) => {
  socket.on('error', () => socket.destroy())
  socket.write('HTTP/1.1 200 OK\r\nContent-Length: 500000000\r\n\r\n')
  socket.pipe(socket)
}).listen(0, '127.0.0.1')
await once(echo, 'listening')
after(() => echo.close())
const address = echo.address()
const echoPort = address !== null && typeof address === 'object' ? address.port : 0
/** A port where nobody listens: the echo's, of which there is one, was free a moment ago. */
const nobody = createServer().listen(0, '127.0.0.1')
await once(nobody, 'listening')
const gone = nobody.address()
const deadPort = gone !== null && typeof gone === 'object' ? gone.port : 0
nobody.close()

const rig = await Rig.start({
  services: (url) => `
  quick: { instances: ["${url}"], timeouts: { first-byte: 300ms, idle: 300ms } }
  echo: { instances: ["http://127.0.0.1:${echoPort}"], timeouts: { idle: 400ms } }
  uneven: { instances: [{ url: "http://127.0.0.1:${deadPort}", weight: 3 }, { url: "${url}", weight: 1 }] }
`,
  routes: `
  quick: { match: { path: /quick }, proxy: quick }
  echo: { match: { path: /echo }, proxy: echo, body-max: 0 }
  uneven: { match: { path: /uneven }, proxy: uneven }
  durable: { match: { path: /durable }, durable: quick, body-max: 100 }
`,
})

const expects = (path: string): string => crlf(`POST ${path} HTTP/1.1⏎Host: a⏎Expect: 100-continue⏎Content-Length: 5⏎⏎`)
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n'
const DONE = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone'

test('an upstream that says 100 and then nothing: 504 after the first-byte time', async () => {
  rig.upstream.script = { on: 'head', answer: CONTINUE }
  const client = await rig.connect()
  await client.send(expects('/quick'))
  assert.equal((await client.response()).status, 100)
  await client.send('hello')
  isProblem(await client.response(), { status: 504, code: 'upstream-timeout' })
  client.close()
})

test('a 100 that comes late leaves the client its time to send', async () => {
  rig.upstream.script = {
    on: 'head',
    answer: (socket) => {
      setTimeout(() => socket.write(CONTINUE), 900)
      const complete = rig.upstream.requests.length + 1
      void rig.upstream.untilRequests(complete).then(() => socket.write(DONE))
    },
  }
  const client = await rig.connect()
  await client.send(expects('/default'))
  assert.equal((await client.response()).status, 100)
  await sleep(400)
  await client.send('hello')
  assert.equal((await client.response()).body.toString(), 'done')
  client.close()
})

test('what a client sends of its body goes on at once, before there is more of it', async () => {
  rig.upstream.script = { answer: DONE }
  const client = await rig.connect()
  await client.send(crlf('POST /slowly HTTP/1.1⏎Host: a⏎Transfer-Encoding: chunked⏎⏎'))
  await client.send(crlf('5⏎hello⏎'))
  await rig.upstream.until(
    () => rig.upstream.connections.find(({ partial }) => partial.includes('hello')),
    'the first chunk',
  )
  await client.send(crlf('0⏎⏎'))
  assert.equal((await client.response()).body.toString(), 'done')
  client.close()
})

test('a client that sends and never reads is given up, though its upload moves nobody', async () => {
  const socket = connect(rig.postern.port(), '127.0.0.1')
  // A reset is all that a socket that only writes can see.
  const closed = new Promise<void>((resolve) => socket.on('error', () => {}).on('close', () => resolve()))
  socket.pause()
  socket.write(crlf('POST /echo HTTP/1.1⏎Host: a⏎Content-Length: 500000000⏎⏎'))
  const noise = Buffer.alloc(1 << 20)
  const feed = () => {
    while (!socket.destroyed && socket.write(noise));
  }
  socket.on('drain', feed)
  feed()
  await closed
})

test('a client that reads slowly gets an answer whole, though its connection ends after it', async () => {
  const body = 'x'.repeat(8_000_000)
  rig.upstream.script = { answer: `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}` }
  const socket = connect(rig.postern.port(), '127.0.0.1')
  socket.write(crlf('GET /default HTTP/1.1⏎Host: a⏎Connection: close⏎⏎'))
  socket.pause()
  await sleep(3_000)
  let bytes = 0
  socket.on('data', (part) => (bytes += part.length)).resume()
  await once(socket, 'end')
  assert.ok(bytes > body.length, `${bytes} of ${body.length}`)
})

test('a dead instance, however heavy, costs nobody an answer', async () => {
  rig.upstream.script = { answer: DONE }
  for (let i = 0; i < 12; i++) {
    const client = await rig.connect()
    await client.send(crlf('GET /uneven HTTP/1.1⏎Host: a⏎⏎'))
    assert.equal((await client.response()).status, 200)
    client.close()
  }
})

test('a body that is too large is refused without being asked for', async () => {
  const client = await rig.connect()
  await client.send(crlf('POST /durable HTTP/1.1⏎Host: a⏎Expect: 100-continue⏎Content-Length: 5000⏎⏎'))
  isProblem(await client.response(), { status: 413, code: 'body-too-large' })
  client.close()
})

test('OPTIONS * is about no path, and meets no route', async () => {
  const client = await rig.connect()
  await client.send(crlf('OPTIONS * HTTP/1.1⏎Host: a⏎⏎'))
  isProblem(await client.response(), { status: 404, code: 'route-not-found' })
  client.close()
})
