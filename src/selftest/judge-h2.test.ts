/** The judge of HTTP/2 finds fault where there is fault: a server that takes whatever comes, however it writes its answers. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { type Verdict, corpus, playAll } from './play.ts'
import { END_HEADERS, END_STREAM, RawH2, TYPE, frame } from './raw-h2.ts'
import { Stage } from './stage.ts'
import { statusOf } from './status-field.ts'
import { targetOf } from './target.ts'

const PATIENCE_MS = 150

/** What a server says that answers every head with this block, and never ends a connection. */
async function verdictsOn(block: Buffer): Promise<Verdict[]> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', (first: Buffer) => {
      if (!first.toString('latin1').startsWith('PRI'))
        return void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok')
      socket.unshift(first)
      const peer = RawH2.accept(socket)
      peer.onFrame = ({ type, id }) => {
        if (type === TYPE.HEADERS) peer.send(frame(TYPE.HEADERS, END_STREAM | END_HEADERS, id, block))
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const target = targetOf(`http://127.0.0.1:${address.port}/`)
  const stage = new Stage(target, null, PATIENCE_MS)
  const verdicts: Verdict[] = []
  await playAll(stage, corpus(target, ['F16', 'S10']), (verdict) => void verdicts.push(verdict))
  stage.end()
  await new Promise((resolve) => server.close(resolve))
  return verdicts
}

test('a server that serves what is no request, and lets every flood go on', async () => {
  const verdicts = await verdictsOn(Buffer.from([0x88]))
  const why = (id: string) => new Set(verdicts.flatMap((one) => (one.id === id ? [`${one.verdict}: ${one.why}`] : [])))
  // Where a declared length is met by its frames, a 200 may come first.
  assert.deepEqual(why('F16'), new Set(['fail: it was answered 200', 'pass: null']))
  assert.deepEqual(
    verdicts.filter(({ id, verdict }) => id === 'F16' && verdict === 'pass').map(({ name }) => name),
    ['data although none was declared'],
  )
  assert.deepEqual(why('S10'), new Set(['fail: the connection goes on']))
})

test('one that refuses each with a status is as good as one that resets', async () => {
  const verdicts = await verdictsOn(Buffer.from([0x8c]))
  assert.ok(verdicts.every(({ id, verdict }) => id !== 'F16' || verdict === 'pass'))
})

for (const [name, bytes, status] of [
  ['an entry of the table', [0x88], 200],
  ['another', [0x8d], 404],
  ['a literal', [0x08, 3, 0x34, 0x30, 0x33], 403],
  ['a literal that is to be indexed', [0x48, 3, 0x32, 0x30, 0x31], 201],
  ['a literal that never is', [0x18, 3, 0x35, 0x30, 0x32], 502],
  ['Huffman code', [0x48, 0x82, 0x10, 0x01], 200],
  // 400, 421, 503: 011010 00000 00000, 011010 00010 00001, 011011 00000 011001.
  ['Huffman code of 400', [0x48, 0x82, 0x68, 0x00], 400],
  ['Huffman code of 421', [0x48, 0x82, 0x68, 0x41], 421],
  ['Huffman code of 503', [0x48, 0x83, 0x6c, 0x0c, 0xff], 503],
  ['a new size of the table before it', [0x20, 0x3f, 0xe1, 0x1f, 0x89], 204],
  ['an entry that is no status', [0x82], 0],
  ['an entry of the other table', [0xbe], 0],
  ['nothing', [], 0],
] as const) {
  test(`a status as ${name}`, () => assert.equal(statusOf(Buffer.from(bytes)), status))
}
