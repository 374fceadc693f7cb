/** client-end: who has to hear that a client is gone, hears it, however many they are. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Socket } from 'node:net'
import { it } from 'node:test'
import { ClientEnd } from './client-end.ts'

it('tells everybody once that the connection is over, by one listener', async () => {
  const socket = new Socket()
  const client = new ClientEnd(socket, '127.0.0.1', null)
  const before = socket.listenerCount('close')
  let told = 0
  for (let i = 0; i < 50; i++) client.whenOver(() => told++)
  assert.equal(socket.listenerCount('close'), before + 1)
  socket.destroy()
  await once(socket, 'close')
  assert.equal(told, 50)
  client.whenOver(() => told++)
  assert.equal(told, 51, 'who comes late hears it at once')
})
