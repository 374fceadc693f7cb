/** Asked to stop: what runs is finished, what is idle is closed, nothing new is taken, and the process ends by itself. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startPostern } from '../support/postern.ts'
import { RawClient } from '../../src/selftest/raw-client.ts'
import { valuesOf } from '../../src/selftest/raw-message.ts'
import { RecordingUpstream } from '../../src/selftest/recording-upstream.ts'

test('a running exchange is finished, its connection and idle ones are closed', async (t) => {
  const upstream = await RecordingUpstream.start({ answer: () => {} })
  t.after(() => upstream.close())
  const postern = await startPostern(`
listeners: [{ address: 127.0.0.1:0 }]
admin: { address: 127.0.0.1:0 }
threads: 1
services: { up: { instances: ["${upstream.url}"] } }
routes: { all: { match: { path: /* }, proxy: up } }
`)
  const idle = await RawClient.connect(postern.port())
  const waiting = await RawClient.connect(postern.port())
  const reading = await RawClient.connect(postern.port())
  await waiting.send('GET /waiting HTTP/1.1\r\nHost: a\r\n\r\n')
  const [first] = await upstream.untilRequests(1)
  await reading.send('GET /reading HTTP/1.1\r\nHost: a\r\n\r\n')
  const [, second] = await upstream.untilRequests(2)
  second!.connection.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf')
  await reading.until('half')

  const stopped = postern.stop()
  assert.equal((await idle.closed()).rest, '')
  first!.connection.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone')
  second!.connection.socket.write('half')
  const answer = await waiting.response()
  assert.deepEqual([answer.body.toString(), valuesOf(answer, 'connection')], ['done', ['close']])
  assert.equal((await reading.response()).body.toString(), 'halfhalf')
  for (const client of [waiting, reading]) assert.equal((await client.closed()).rest, '')
  for (const client of [idle, waiting, reading]) client.close()
  await stopped
  await assert.rejects(RawClient.connect(postern.port()))
})
