/** A client that goes away takes its upstream request with it: nothing goes on working for nobody, and nobody calls it a failure. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RawClient } from '../../src/selftest/raw-client.ts'
import type { Script } from '../../src/selftest/recording-upstream.ts'
import { crlf } from '../../src/selftest/notation.ts'
import { fullPort } from './full-port.ts'
import { Rig } from './rig.ts'

const full = await fullPort()
const rig = await Rig.start({
  services: () => `  full: { instances: ["http://127.0.0.1:${full}"], timeouts: { connect: 60s } }`,
  routes: `
  full: { match: { path: /full }, proxy: full }
  stored: { match: { path: /stored }, durable: up }
`,
})

const SILENT: Script = { answer: () => {} }
const STARTS: Script = { answer: crlf('HTTP/1.1 200 OK⏎Content-Length: 10⏎⏎hello') }
const DRIPS: Script = { answer: crlf('HTTP/1.1 200 OK⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎') }
const GET = crlf('GET /a HTTP/1.1⏎Host: a⏎⏎')

interface Abort {
  readonly name: string
  readonly script: Script
  readonly send: string
  /** Bytes that must have reached the upstream before the client goes: the end of what it has. */
  readonly until: string
  /** Bytes that must have reached the client before it goes. */
  readonly heard?: string
}

const aborts: readonly Abort[] = [
  { name: 'while it waits for the answer', script: SILENT, send: GET, until: '' },
  {
    name: 'while it waits for the answer to a body',
    script: SILENT,
    send: crlf('POST /a HTTP/1.1⏎Host: a⏎Content-Length: 5⏎⏎hello'),
    until: '',
  },
  { name: 'within an answer of a length', script: STARTS, send: GET, until: '', heard: 'hello' },
  { name: 'within an answer in chunks', script: DRIPS, send: GET, until: '', heard: 'hello' },
  {
    name: 'within an upload of a length',
    script: SILENT,
    send: crlf('POST /a HTTP/1.1⏎Host: a⏎Content-Length: 10⏎⏎hello'),
    until: '\r\n\r\nhello',
  },
  {
    name: 'within an upload in chunks',
    script: SILENT,
    send: crlf('POST /a HTTP/1.1⏎Host: a⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎'),
    until: '\r\n\r\n5\r\nhello\r\n',
  },
  {
    name: 'within a chunk',
    script: SILENT,
    send: crlf('POST /a HTTP/1.1⏎Host: a⏎Transfer-Encoding: chunked⏎⏎10⏎hello'),
    until: 'hello\r\n',
  },
]

const leaves: readonly (readonly [string, (client: RawClient) => void])[] = [
  ['closes', (client) => client.close()],
  ['resets', (client) => client.reset()],
]

for (const { name, script, send, until, heard = '' } of aborts) {
  for (const [how, leave] of leaves) {
    test(`a client ${how} ${name}`, async () => {
      const { upstream } = rig
      const before = upstream.requests.length
      upstream.script = script
      const client = await rig.connect()
      await client.send(send)
      const connection = await upstream.until(() => {
        if (until !== '') return upstream.open.find((one) => one.partial.endsWith(until))
        return upstream.requests[before]?.connection
      }, 'the request')
      await client.until(heard)
      leave(client)
      await upstream.until(() => (connection.over === 'no' ? undefined : true), 'the end of the request')
      const { requests, partial } = await rig.settle(`${how} ${name}`, [{ reason: 'client-abort', status: 499 }])
      assert.equal(requests.length, until === '' ? 1 : 0)
      assert.equal(partial.length, until === '' ? 0 : 1)
    })
  }
}

for (const [how, leave] of leaves) {
  for (const [name, send] of [
    ['while we connect', crlf('GET /full HTTP/1.1⏎Host: a⏎⏎')],
    ['while we connect, its body behind', crlf('POST /full HTTP/1.1⏎Host: a⏎Content-Length: 5⏎⏎hello')],
    ['within a body that is to be stored', crlf('POST /stored HTTP/1.1⏎Host: a⏎Content-Length: 10⏎⏎hello')],
    ['within chunks that are to be stored', crlf('POST /stored HTTP/1.1⏎Host: a⏎Transfer-Encoding: chunked⏎⏎5⏎he')],
  ] as const) {
    test(`a client ${how} ${name}: nothing is left of it`, async () => {
      const client = await rig.connect()
      await client.send(send)
      await sleep(30)
      leave(client)
      const records = [{ reason: 'client-abort', status: 499 }]
      await rig.recorded(records)
      const trace = await rig.settle(`${how} ${name}`, records)
      assert.deepEqual(trace, { requests: [], partial: [] })
    })
  }
}

test('a client leaves within a head: nothing upstream', async () => {
  const client = await rig.connect()
  await client.send('GET /a HTTP/1.1\r\nHost:')
  client.close()
  await rig.postern.waitForRecord((record) => record['reason'] === 'malformed-request')
  const trace = await rig.settle('within a head', [{ reason: 'malformed-request', status: 400 }])
  assert.deepEqual(trace, { requests: [], partial: [] })
})

rig.checkRecords()
