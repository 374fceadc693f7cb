/** Whatever a client sends, the upstream gets HTTP by the letter, and the next client gets the answer to its own request. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Arbitrary, array, boolean, constantFrom, nat, oneof, record, sample } from 'fast-check'
import { BYTES, LINES } from '../../src/selftest/hostile/mutate.ts'
import { exchangeOnce } from '../../src/selftest/raw-client.ts'
import { crlf } from '../../src/selftest/notation.ts'
import { Rig } from './rig.ts'

const rig = await Rig.start({
  routes: `
  small: { match: { path: /small }, body-max: 4, proxy: up }
  reply: { match: { path: /reply }, reply: { body: hi } }
`,
})

const MESSAGES = [
  'GET /a HTTP/1.1⏎Host: a⏎⏎',
  'HEAD /a HTTP/1.1⏎Host: a⏎Connection: keep-alive, x⏎X: y⏎⏎',
  'PUT http://a/b/../c?d HTTP/1.1⏎Host: a⏎Content-Length: 0⏎⏎',
  'POST /a HTTP/1.1⏎Host: a⏎Content-Length: 5⏎⏎hello',
  'POST /small HTTP/1.1⏎Host: a⏎Content-Length: 4⏎⏎tiny',
  'POST /reply HTTP/1.1⏎Host: a⏎Content-Length: 5⏎⏎hello',
  'POST /a HTTP/1.1⏎Host: a⏎Transfer-Encoding: chunked⏎⏎5⏎hello⏎3;x=y⏎abc⏎0⏎T: u⏎⏎',
  'POST /small HTTP/1.1⏎Host: a⏎Transfer-Encoding: chunked⏎⏎4⏎tiny⏎0⏎⏎',
  'POST /a HTTP/1.1⏎Host: a⏎Expect: 100-continue⏎Content-Length: 5⏎⏎hello',
]

/** A place and what happens there: `take` bytes go, `put` comes. */
interface Edit {
  readonly at: number
  /** The place is the start of the line behind it. */
  readonly line: boolean
  readonly take: number
  readonly put: string
}

const edit: Arbitrary<Edit> = record({
  at: nat(500),
  line: boolean(),
  take: constantFrom(0, 0, 1, 3),
  put: oneof(constantFrom(''), constantFrom(...BYTES), constantFrom(...LINES)),
})
const session = record({
  messages: array(constantFrom(...MESSAGES), { minLength: 1, maxLength: 3 }),
  edits: array(edit, { maxLength: 3 }),
  cuts: array(nat(500), { maxLength: 3 }),
})

test('messages, edited at random, cut at random', async () => {
  for (const [i, { messages, edits, cuts }] of sample(session, { numRuns: 400, seed: 2_616 }).entries()) {
    let text = crlf(messages.join(''))
    for (const { at, line, take, put } of edits) {
      const place = line ? text.indexOf('\n', at % text.length) + 1 : at % text.length
      text = text.slice(0, place) + crlf(put) + text.slice(place + take)
    }
    const ends = [...cuts.map((at) => at % text.length), text.length].sort((a, b) => a - b)
    rig.upstream.script = {
      answer: (socket) => {
        const { target } = rig.upstream.requests.at(-1)!
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${target.length}\r\n\r\n${target}`)
      },
    }
    const client = await rig.connect()
    await client.send(...ends.map((end, n) => text.slice(ends[n - 1] ?? 0, end)))
    const next = await exchangeOnce(rig.postern.port(), `GET /next/${i} HTTP/1.1\r\nHost: next\r\n\r\n`)
    assert.equal(next.body.toString(), `/next/${i}`, JSON.stringify(text))
    client.close()
    assert.deepEqual(
      rig.upstream.connections.filter(({ error }) => error !== null).map(({ error }) => error),
      [],
      JSON.stringify(text),
    )
  }
  await rig.settle('edited messages', null)
})
