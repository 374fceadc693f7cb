/** Interim answers (RFC 9110 §15.2): passed on at once, in order, with their lines, past no policy; 100 only to whoever waits for it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crlf } from '../../src/selftest/notation.ts'
import { valuesOf } from '../../src/selftest/raw-message.ts'
import { Rig } from './rig.ts'

const rig = await Rig.start({
  routes: `
  decorated:
    match: { path: /decorated }
    policies: [{ headers: { response: { set: { X-Policy: "1" } } } }]
    proxy: up
`,
})
const OK = { reason: 'ok', status: 200 }
const FINAL = 'HTTP/1.1 200 OK⏎Content-Length: 5⏎⏎hello'
const get = (path: string): string => crlf(`GET ${path} HTTP/1.1⏎Host: a⏎⏎`)

test('102, 103, 103, then the answer: each as it came, without what is about the connection', async () => {
  rig.upstream.script = {
    answer: crlf(
      'HTTP/1.1 102 Processing⏎⏎' +
        'HTTP/1.1 103 Early Hints⏎Link: </a.css>; rel=preload⏎Connection: x-hop⏎X-Hop: 1⏎⏎' +
        'HTTP/1.1 103 Early Hints⏎link: </b.js>⏎Link: </c.js>⏎⏎' +
        FINAL,
    ),
  }
  const client = await rig.connect()
  await client.send(get('/decorated'))
  const seen = []
  for (let i = 0; i < 4; i++) {
    const { status, reason, lines } = await client.response()
    seen.push([status, reason, ...lines.filter(([name]) => name !== 'Via').map((line) => line.join(': '))])
  }
  assert.deepEqual(seen, [
    [102, 'Processing'],
    [103, 'Early Hints', 'Link: </a.css>; rel=preload'],
    [103, 'Early Hints', 'link: </b.js>', 'Link: </c.js>'],
    [200, 'OK', 'Content-Length: 5', 'X-Policy: 1'],
  ])
  assert.equal(client.rest, '')
  client.close()
  await rig.settle('102, 103, 103', [OK])
})

test('one that comes long before the answer does not wait for it', async () => {
  rig.upstream.script = { answer: crlf('HTTP/1.1 103 Early Hints⏎Link: </a>⏎⏎') }
  const before = rig.upstream.requests.length
  const client = await rig.connect()
  await client.send(get('/a'))
  assert.deepEqual(valuesOf(await client.response(), 'link'), ['</a>'])
  rig.upstream.requests[before]!.connection.socket.write(crlf(FINAL))
  assert.equal((await client.response()).status, 200)
  client.close()
  await rig.settle('an early hint', [OK])
})

test('100 that nobody waits for is not passed on', async () => {
  rig.upstream.script = {
    answer: crlf(`HTTP/1.1 100 Continue⏎⏎HTTP/1.1 103 Early Hints⏎⏎HTTP/1.1 100 Continue⏎⏎${FINAL}`),
  }
  const client = await rig.connect()
  await client.send(get('/a'))
  assert.deepEqual([(await client.response()).status, (await client.response()).status], [103, 200])
  assert.equal(client.rest, '')
  client.close()
  await rig.settle('100 unasked', [OK])
})

rig.checkRecords()
