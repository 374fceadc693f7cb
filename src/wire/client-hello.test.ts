/** client-hello: what real clients say, however it is cut, and nothing else. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Socket, createServer } from 'node:net'
import { before, describe, it } from 'node:test'
import { type ConnectionOptions, connect } from 'node:tls'
import * as fc from 'fast-check'
import { readClientHello } from './client-hello.ts'

/** What a client of this Node sends first. */
async function helloOf(options: ConnectionOptions): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const client = connect({ host: '127.0.0.1', port: address.port, ...options }).on('error', () => {})
  const [socket] = await once(server, 'connection')
  assert.ok(socket instanceof Socket)
  const [bytes] = await once(socket, 'data')
  assert.ok(Buffer.isBuffer(bytes))
  client.destroy()
  socket.destroy()
  server.close()
  return bytes
}

/** The same message in other records, each of at most `bytesMax`. */
function cut(hello: Buffer, bytesMax: number): Buffer {
  const message = hello.subarray(5)
  const records: Buffer[] = []
  for (let at = 0; at < message.length; at += bytesMax) {
    const part = message.subarray(at, at + bytesMax)
    records.push(Buffer.from([22, 3, 1, part.length >> 8, part.length & 255]), part)
  }
  return Buffer.concat(records)
}

let challenge: Buffer

describe('a ClientHello', () => {
  before(async () => {
    challenge = await helloOf({ servername: 'Shop.example', ALPNProtocols: ['acme-tls/1'] })
  })

  it('says which name is asked for, and what is spoken', async () => {
    assert.deepEqual(readClientHello(challenge), { serverName: 'shop.example', protocols: ['acme-tls/1'] })
    const usual = { servername: 'a.example', ALPNProtocols: ['h2', 'http/1.1'] }
    assert.deepEqual(readClientHello(await helloOf(usual)), { serverName: 'a.example', protocols: usual.ALPNProtocols })
    const old = await helloOf({ maxVersion: 'TLSv1.2' })
    assert.deepEqual(readClientHello(old), { serverName: '', protocols: [] })
  })

  it('is the same in records of any size, and never whole before its last byte', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 }), fc.double({ min: 0, max: 1, noNaN: true }), (bytesMax, part) => {
        const records = cut(challenge, bytesMax)
        assert.deepEqual(readClientHello(records), readClientHello(challenge))
        const end = Math.floor(part * (records.length - 1))
        assert.equal(readClientHello(records.subarray(0, end)), 'more')
      }),
    )
  })

  // Putting it together again for each record took seconds, in which the engine did nothing else.
  it('is read in thousands of records too, and is not of any length', () => {
    const longest = Buffer.concat([Buffer.from([0, 0, 0, 0, 0, 1, 0, 0x3f, 0xfc]), Buffer.alloc(16_380)])
    const records = cut(longest, 1)
    assert.equal(readClientHello(records.subarray(0, -1)), 'more')
    assert.deepEqual(readClientHello(records), { serverName: '', protocols: [] })
    assert.equal(readClientHello(Buffer.from([22, 3, 1, 0, 4, 1, 0, 0x3f, 0xfd])), null)
  })

  it('is nothing else: other bytes are none, and no bytes are too much', () => {
    for (const text of [
      'GET / HTTP/1.1\r\n\r\n',
      '\x16\x02\x01\x00\x05\x01',
      '\x16\x03\x01\x00\x00',
      '\x16\x03\x01\xff\xff\x01',
    ])
      assert.equal(readClientHello(Buffer.from(text, 'latin1')), null)
    // A message of 16 MB is not waited for.
    assert.equal(readClientHello(Buffer.from([22, 3, 1, 0, 4, 1, 255, 255, 255])), null)
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(challenge.length - 1), fc.nat(255)), { maxLength: 12 }), (changes) => {
        const bytes = Buffer.from(challenge)
        for (const [at, byte] of changes) bytes[at] = byte
        const read = readClientHello(bytes)
        assert.ok(read === 'more' || read === null || Array.isArray(read.protocols))
      }),
    )
  })
})
