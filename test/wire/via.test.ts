/** `Via` on both legs (RFC 9110 §7.6.3), and an end to requests that go round and round. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startPostern } from '../support/postern.ts'
import { exchangeOnce } from '../../src/selftest/raw-client.ts'
import { valuesOf } from '../../src/selftest/raw-message.ts'
import { crlf } from '../../src/selftest/notation.ts'
import { isProblem } from './refused.ts'
import { Rig } from './rig.ts'

const rig = await Rig.start()
const OK = { reason: 'ok', status: 200 }
const get = (...lines: readonly string[]): string =>
  crlf(`GET /a HTTP/1.1⏎Host: a⏎${lines.map((line) => `${line}⏎`).join('')}⏎`)

for (const [name, send, answer, forth, back] of [
  ['nobody before us', get(), 'HTTP/1.1 200 OK⏎Content-Length: 0⏎⏎', ['1.1 rig'], ['1.1 rig']],
  [
    'others before us',
    get('Via: 1.0 a, HTTP/2 b (x)', 'via: 1.1 c'),
    'HTTP/1.1 200 OK⏎Via: 1.1 d⏎Content-Length: 0⏎⏎',
    ['1.0 a, HTTP/2 b (x)', '1.1 c', '1.1 rig'],
    ['1.1 d', '1.1 rig'],
  ],
  [
    'HTTP/1.0 on both sides',
    get().replace('HTTP/1.1', 'HTTP/1.0'),
    'HTTP/1.0 200 OK⏎Content-Length: 0⏎⏎',
    ['1.0 rig'],
    ['1.0 rig'],
  ],
] as const) {
  test(`each message says that it came through here: ${name}`, async () => {
    rig.upstream.script = { answer: crlf(answer) }
    const got = await exchangeOnce(rig.postern.port(), send)
    assert.deepEqual([got.status, valuesOf(got, 'via')], [200, back])
    const { requests } = await rig.settle(name, [OK])
    assert.deepEqual(valuesOf(requests[0]!, 'via'), forth)
  })
}

for (const via of ['1.1 rig', '1.0 a, 1.1 RIG (comment), 1.1 b', '2 rig']) {
  test(`508: Via: ${via}`, async () => {
    isProblem(await exchangeOnce(rig.postern.port(), get(`Via: ${via}`)), { status: 508, code: 'loop-detected' })
    const trace = await rig.settle(via, [{ reason: 'loop-detected', status: 508 }])
    assert.deepEqual(trace, { requests: [], partial: [] })
  })
}

test('a name that only looks like ours is somebody else', async () => {
  assert.equal((await exchangeOnce(rig.postern.port(), get('Via: 1.1 rig2, 1.1 a (rig)'))).status, 200)
  await rig.settle('another name', [OK])
})

test('a gateway that is its own upstream answers 508 instead of calling itself for ever', async (t) => {
  const yaml = (service: string): string => `
listeners: [{ address: 127.0.0.1:0 }]
admin: { address: 127.0.0.1:0 }
threads: 1
services: { self: { instances: ["${service}"] } }
routes: { all: { match: /*, proxy: self } }
`
  const loop = await startPostern(yaml('http://127.0.0.1:9'))
  t.after(() => loop.stop())
  await loop.reload(yaml(loop.gateway[0]!).replace('127.0.0.1:0 }]', `127.0.0.1:${loop.port()} }]`))
  isProblem(await exchangeOnce(loop.port(), get()), { status: 508, code: 'loop-detected' })
  const [inner, outer] = await loop.waitForRecords(2)
  assert.deepEqual([inner?.['reason'], outer?.['reason'], outer?.['status']], ['loop-detected', 'ok', 508])
})

rig.checkRecords()
