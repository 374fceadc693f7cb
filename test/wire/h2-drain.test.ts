/** Asked to stop, on HTTP/2: told twice to go away (RFC 9113 §6.8), so that no request is lost between saying and hearing it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RecordingUpstream } from '../../src/selftest/recording-upstream.ts'
import { RawH2, TYPE, frame, get, uint32 } from '../../src/selftest/raw-h2.ts'
import { startPostern } from '../support/postern.ts'

const ACK = 1
const REFUSED_STREAM = 7
const EVERYTHING = 2 ** 31 - 1

function configuration(upstream: RecordingUpstream, drain = '30s'): string {
  return `
listeners: [{ address: 127.0.0.1:0 }]
admin: { address: 127.0.0.1:0 }
threads: 1
drain: { timeout: ${drain} }
services: { up: { instances: ["${upstream.url}"] } }
routes: { all: { match: { path: /* }, proxy: up } }
`
}

const goaways = (client: RawH2): number[][] =>
  client.frames
    .filter(({ type }) => type === TYPE.GOAWAY)
    .map(({ payload }) => [payload.readUInt32BE(0), payload.readUInt32BE(4)])
const goaway = (lastId: number) => (one: { type: number; payload: Buffer }) =>
  one.type === TYPE.GOAWAY && one.payload.readUInt32BE(0) === lastId

test('streams that run are finished, those begun before the client heard of it too, later ones refused so that they can be made elsewhere', async (t) => {
  const upstream = await RecordingUpstream.start({ answer: () => {} })
  t.after(() => upstream.close())
  const postern = await startPostern(configuration(upstream))
  const [busy, idle] = [await RawH2.connect(postern.port()), await RawH2.connect(postern.port())]
  busy.send(get(1, '/first'))
  await upstream.untilRequests(1)

  const stopped = postern.stop()
  for (const client of [busy, idle]) await client.until(goaway(EVERYTHING), 'the first GOAWAY')
  const ping = await busy.until(({ type, flags }) => type === TYPE.PING && flags === 0, 'PING')
  busy.send(get(3, '/crossed'))
  await upstream.untilRequests(2)
  busy.send(frame(TYPE.PING, ACK, 0, ping.payload))
  await busy.until(goaway(3), 'the second GOAWAY')
  busy.send(get(5, '/late'))
  assert.equal(await busy.reset(5), REFUSED_STREAM)
  // An idle one that does not answer has a second.
  await idle.until(goaway(0), 'the second GOAWAY')
  await idle.closed()

  for (const { connection } of upstream.requests)
    connection.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone')
  for (const id of [1, 3]) assert.equal((await busy.body(id)).toString(), 'done')
  await busy.closed()
  assert.deepEqual(goaways(busy), [
    [EVERYTHING, 0],
    [3, 0],
  ])
  assert.deepEqual(
    upstream.requests.map(({ target }) => target),
    ['/first', '/crossed'],
  )
  for (const client of [busy, idle]) client.close()
  await stopped
})

test('a client that does not answer PING is told again by itself', async (t) => {
  const upstream = await RecordingUpstream.start({ answer: () => {} })
  t.after(() => upstream.close())
  const postern = await startPostern(configuration(upstream))
  const client = await RawH2.connect(postern.port())
  client.send(get(1))
  const [request] = await upstream.untilRequests(1)
  const stopped = postern.stop()
  await client.until(goaway(EVERYTHING), 'the first GOAWAY')
  // What it says meanwhile does not put that off.
  client.send(frame(TYPE.WINDOW_UPDATE, 0, 0, uint32(1_000)), get(3))
  await client.until(goaway(3), 'the second GOAWAY')
  for (const { connection } of [request!, (await upstream.untilRequests(2))[1]!])
    connection.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone')
  for (const id of [1, 3]) assert.equal((await client.body(id)).toString(), 'done')
  await client.closed()
  client.close()
  await stopped
})

test('what does not end within the bound is cut, with a record', async (t) => {
  const upstream = await RecordingUpstream.start({ answer: () => {} })
  t.after(() => upstream.close())
  const postern = await startPostern(configuration(upstream, '1s'))
  const client = await RawH2.connect(postern.port())
  client.send(get(1, '/endless'))
  await upstream.untilRequests(1)
  await postern.stop()
  await client.closed()
  client.close()
  const record = postern.records().find(({ path }) => path === '/endless')
  assert.equal(record?.['reason'], 'shutdown')
})
