/** Waiting has an end, in every place where somebody may keep silent; being slow is no fault while something moves. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { readResponse } from '../../src/selftest/raw-message.ts'
import { crlf } from '../../src/selftest/notation.ts'
import { fullPort } from './full-port.ts'
import { isProblem, isRefusal } from './refused.ts'
import { Rig } from './rig.ts'

const full = await fullPort()
const rig = await Rig.start({
  services: (url) => `
  full: { instances: ["http://127.0.0.1:${full}"], timeouts: { connect: 300ms } }
  first: { instances: ["${url}"], timeouts: { first-byte: 300ms } }
  idle: { instances: ["${url}"], timeouts: { idle: 300ms } }
  total: { instances: ["${url}"], timeouts: { total: 500ms } }
`,
  routes: ['full', 'first', 'idle', 'total']
    .map((name) => `  ${name}: { match: { path: /${name} }, proxy: ${name} }`)
    .join('\n'),
})

const TIMED_OUT = { status: 504, code: 'upstream-timeout' }
const OK = { reason: 'ok', status: 200 }
const ANSWER = crlf('HTTP/1.1 200 OK⏎Content-Length: 5⏎⏎hello')
const get = (path: string): string => crlf(`GET ${path} HTTP/1.1⏎Host: a⏎⏎`)
const post = (path: string): string => crlf(`POST ${path} HTTP/1.1⏎Host: a⏎Content-Length: 5⏎⏎`)

/** Waits until the connection of the last request upstream, whole or not, is closed. */
async function lastEnds(): Promise<void> {
  const last = rig.upstream.requests.at(-1)?.connection
  await rig.upstream.until(() => (last?.over === 'no' ? undefined : true), 'the end of the request')
}

for (const [name, send] of [
  ['a connection that is never accepted', get('/full')],
  ['no first byte', get('/first')],
  ['no first byte after a body', post('/first') + 'hello'],
  ['no answer within the total', get('/total')],
] as const) {
  test(`504: ${name}, and the client can go on`, async () => {
    rig.upstream.script = { answer: () => {} }
    const client = await rig.connect()
    await client.send(send)
    isProblem(await client.response(), TIMED_OUT)
    if (!send.includes('/full')) await lastEnds()
    rig.upstream.script = { answer: ANSWER }
    await client.send(get('/a'))
    assert.equal((await client.response()).body.toString(), 'hello')
    client.close()
    const { requests } = await rig.settle(name, [{ reason: TIMED_OUT.code, status: TIMED_OUT.status }, OK])
    assert.equal(requests.length, send.includes('/full') ? 1 : 2, 'a late answer is not asked for again')
  })
}

for (const [name, path, drip] of [
  ['silence within an answer', '/idle', false],
  ['an answer that never ends, within the total', '/total', true],
] as const) {
  test(`cut: ${name}`, async () => {
    rig.upstream.script = {
      answer: (socket) => {
        socket.write(crlf('HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎'))
        const timer = setInterval(() => drip && socket.write(crlf('1⏎x⏎')), 50)
        socket.once('close', () => clearInterval(timer))
      },
    }
    const client = await rig.connect()
    await client.send(get(path))
    await client.closed()
    assert.match(client.received, /hello/)
    assert.equal(readResponse(Buffer.from(client.received, 'latin1'), 0, 'GET', false), null)
    client.close()
    await lastEnds()
    await rig.settle(name, [{ reason: TIMED_OUT.code, status: 200 }])
  })
}

test('408: silence within a request’s body', async () => {
  const client = await rig.connect()
  await client.send(post('/idle') + 'he')
  isRefusal(await client.response(), { status: 408, code: 'body-timeout' })
  await client.closed()
  client.close()
  const { requests, partial } = await rig.settle('silence within a body', [{ reason: 'body-timeout', status: 408 }])
  assert.deepEqual(requests, [])
  await rig.upstream.until(
    () => (partial.some(({ over }) => over === 'no') ? undefined : true),
    'the end of the request',
  )
})

test('a slow upload is not a late first byte', async () => {
  rig.upstream.script = { answer: ANSWER }
  const client = await rig.connect()
  await client.send(post('/first'))
  await sleep(450)
  await client.send('hel')
  await sleep(450)
  await client.send('lo')
  assert.equal((await client.response()).body.toString(), 'hello')
  client.close()
  await rig.settle('a slow upload', [OK])
})

test('a slow answer that moves is not silence', async () => {
  rig.upstream.script = {
    answer: (socket) => {
      socket.write(crlf('HTTP/1.1 200 OK⏎Content-Length: 10⏎⏎'))
      let left = 10
      const timer = setInterval(() => {
        socket.write('x')
        if (--left === 0) clearInterval(timer)
      }, 60)
    },
  }
  const client = await rig.connect()
  await client.send(get('/idle'))
  assert.equal((await client.response()).body.toString(), 'x'.repeat(10))
  client.close()
  await rig.settle('a slow answer', [OK])
})

rig.checkRecords()
