/** The receiver keeps honest books. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { end, freePort, launch, untilListening } from './processes.ts'

const port = await freePort()
const receiver = launch(process.execPath, [join(import.meta.dirname, 'receiver.ts'), `${port}`])
await untilListening(receiver, 'receiver', port)
after(() => end(receiver))

test('deliveries are counted once each, however the bytes are cut', async () => {
  const body = JSON.stringify({ sentMs: 1000 })
  const one = (id: string) =>
    `POST /hook HTTP/1.1\r\nHost: x\r\nWebhook-Id: ${id}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  const bytes = one('msg_a') + one('msg_b') + one('msg_a')
  const socket = connect(port, '127.0.0.1').setEncoding('latin1')
  let answers = ''
  const answered = new Promise<void>((resolve) => {
    socket.on('data', (text: string) => {
      answers += text
      if (answers.split('200 OK').length === 4) resolve()
    })
  })
  for (let at = 0; at < bytes.length; at += 37) {
    socket.write(bytes.slice(at, at + 37))
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  }
  await answered
  socket.destroy()

  const books = await (await fetch(`http://127.0.0.1:${port}/books`)).json()
  assert.partialDeepStrictEqual(books, { unique: 2, repeated: 1, firstSentAt: 1000, last: ['msg_a', 'msg_b'] })
  assert.partialDeepStrictEqual(books, { samples: [{ headers: { 'webhook-id': 'msg_a' }, body }] })

  await fetch(`http://127.0.0.1:${port}/reset`)
  assert.deepEqual(await (await fetch(`http://127.0.0.1:${port}/count`)).json(), { unique: 0 })
})
