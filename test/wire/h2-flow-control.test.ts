/** What a client may send is bounded by the windows it was given, on each stream and on all of them (RFC 9113 §5.2, §6.9.1). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RawH2, TYPE, frame, get, post } from '../../src/selftest/raw-h2.ts'
import { fullPort } from './full-port.ts'
import { Rig } from './rig.ts'

const full = await fullPort()
const rig = await Rig.start({
  services: () => `  nobody: { instances: [http://127.0.0.1:${full}] }`,
  routes: '  nobody: { match: { path: /nobody/* }, body-max: 0, proxy: nobody }',
})
const FLOW_CONTROL_ERROR = 3
/** Four are a stream's window to the byte; 64 are the connection's. */
const FULL_FRAME = Buffer.alloc(16_384)

test('a body beyond the window of its stream: the stream is reset, the connection serves on', async () => {
  const client = await RawH2.connect(rig.postern.port())
  const data = frame(TYPE.DATA, 0, 1, FULL_FRAME)
  client.send(post(1, '/nobody/a'), data, data, data, data, frame(TYPE.DATA, 0, 1, 'x'))
  assert.equal(await client.reset(1), FLOW_CONTROL_ERROR)
  client.send(get(3))
  assert.equal((await client.body(3)).toString(), 'ok')
  client.close()
  await rig.settle('a stream', null)
})

test('bodies beyond the window of the connection end it; up to it they wait', async () => {
  const client = await RawH2.connect(rig.postern.port())
  const upload = (id: number) => {
    const data = frame(TYPE.DATA, 0, id, FULL_FRAME)
    return Buffer.concat([post(id, `/nobody/${id}`), data, data, data, data])
  }
  for (let i = 0; i < 16; i++) client.send(upload(2 * i + 1))
  client.send(get(99))
  assert.equal((await client.body(99)).toString(), 'ok', 'what needs no window is served')
  client.send(post(101, '/nobody/x'), frame(TYPE.DATA, 0, 101, 'x'))
  assert.equal(await client.goaway(), FLOW_CONTROL_ERROR)
  client.close()
  await rig.settle('a connection', null)
})
