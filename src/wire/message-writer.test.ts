/** message-writer: what is written arrives, framed as asked, whatever the sizes of the parts and whose bytes they are. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, describe, it } from 'node:test'
import * as fc from 'fast-check'
import { socketPair } from '../../test/support/unit/loopback.ts'
import { readRequest } from '../selftest/raw-message.ts'
import { MessageWriter } from './message-writer.ts'

const { near: sender, far: receiver, close } = await socketPair()
after(close)
let arrived = Buffer.alloc(0)
receiver.on('data', (bytes: Buffer) => (arrived = Buffer.concat([arrived, bytes])))
async function arrivedBytes(count: number): Promise<Buffer> {
  while (arrived.length < count) await once(receiver, 'data')
  return arrived
}

/** Sizes about those at which the writer changes its ways. */
const length = fc.oneof(
  fc.nat({ max: 40 }),
  fc.constantFrom(8_191, 8_192, 8_193, 16_384, 30_000, 100_000),
  fc.nat({ max: 20_000 }),
)
const message = fc.record({
  chunked: fc.boolean(),
  parts: fc.array(
    fc.record({ length, offset: fc.nat({ max: 5 }), isBuffer: fc.boolean(), flush: fc.boolean(), fill: fc.nat(255) }),
    { maxLength: 8 },
  ),
})

describe('MessageWriter', () => {
  it('sends heads and parts, framed, in order, and counts them', async () => {
    const writer = new MessageWriter(sender)
    await fc.assert(
      fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 4 }), async (messages) => {
        arrived = Buffer.alloc(0)
        let total = 0
        const bodies: Buffer[] = []
        for (const { chunked, parts } of messages) {
          const size = parts.reduce((sum, part) => sum + part.length, 0)
          const framing = chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${size}`
          writer.begin(`POST / HTTP/1.1\r\n${framing}\r\n\r\n`, chunked)
          const sent: Buffer[] = []
          for (const { length: count, offset, isBuffer, flush, fill } of parts) {
            // Within a larger memory, as it comes from another thread or a read buffer.
            const memory = new ArrayBuffer(count + offset + 3)
            const bytes = isBuffer ? Buffer.from(memory, offset) : new Uint8Array(memory, offset)
            for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 7 + fill) & 255
            sent.push(Buffer.from(bytes.subarray(1, 1 + count)))
            writer.write(bytes, 1, 1 + count)
            bytes.fill(0) // what was written may be overwritten
            if (flush) writer.flush()
          }
          writer.end()
          total += writer.bytes
          bodies.push(Buffer.concat(sent))
        }
        const bytes = await arrivedBytes(total)
        assert.equal(bytes.length, total)
        let at = 0
        for (const [i, { chunked }] of messages.entries()) {
          const request = readRequest(bytes, at)
          assert.ok(request !== null)
          assert.equal(request.framing, chunked ? 'chunked' : 'length')
          assert.ok(request.body.equals(bodies[i]!))
          at = request.next
        }
        assert.equal(at, total)
      }),
      { numRuns: 60 },
    )
  })

  it('holds small parts back until they are worth a write', async () => {
    const writer = new MessageWriter(sender)
    arrived = Buffer.alloc(0)
    writer.begin('POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n', false)
    assert.equal(writer.write(Buffer.from('abc'), 0, 3), true)
    assert.equal(writer.bytes, 0)
    writer.end()
    assert.equal(writer.bytes, 41)
    assert.equal((await arrivedBytes(41)).toString(), 'POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc')
  })

  it('says when to wait for the socket', async () => {
    const writer = new MessageWriter(sender)
    arrived = Buffer.alloc(0)
    receiver.pause()
    writer.begin('POST / HTTP/1.1\r\nContent-Length: 9000000\r\n\r\n', false)
    const megabyte = new Uint8Array(1_000_000)
    const rooms = Array.from({ length: 9 }, () => writer.write(megabyte, 0, megabyte.length))
    assert.equal(rooms.at(-1), false)
    receiver.resume()
    await once(sender, 'drain')
    writer.end()
    await arrivedBytes(writer.bytes)
  })
})
