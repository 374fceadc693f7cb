/**
 * The process that deliveries arrive at: answers every POST with an empty 200 and keeps the books. `node receiver.ts PORT`.
 * `GET /reset` opens new books, `GET /count` says how many, `GET /books` says it all.
 */
import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { percentile } from './statistics.ts'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'
/** Every so many deliveries one is kept whole, so that its signature can be verified. */
const SAMPLE_EVERY = 500
const LAST_KEPT = 32

interface Sample {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

interface Books {
  /** Different webhook-ids. */
  readonly unique: number
  /** Deliveries of a webhook-id that had arrived before. */
  readonly repeated: number
  /** From the publisher's own stamp in the payload to here, ms. */
  readonly p50Ms: number
  readonly p99Ms: number
  /** Earliest stamp of a payload, ms since the epoch. */
  readonly firstSentAt: number
  readonly samples: readonly Sample[]
  /** The webhook-ids that came last, at most 32. */
  readonly last: readonly string[]
}

const seen = new Set<string>()
let repeated = 0
let firstSentAt = Infinity
let latencies: number[] = []
let samples: Sample[] = []
let last: string[] = []

function receive(head: string, body: string): void {
  const id = /\r\nwebhook-id: *([^\r]+)/i.exec(head)?.[1] ?? ''
  if (seen.has(id)) {
    repeated++
    return
  }
  seen.add(id)
  const sentAt = Number(/"sentMs": *([\d.]+)/.exec(body)?.[1])
  latencies.push(Date.now() - sentAt)
  if (sentAt < firstSentAt) firstSentAt = sentAt
  if (seen.size % SAMPLE_EVERY === 1) samples.push({ headers: fieldsOf(head), body })
  last.push(id)
  if (last.length >= 2 * LAST_KEPT) last = last.slice(-LAST_KEPT)
}

function fieldsOf(head: string): Record<string, string> {
  const lines = head.split('\r\n').slice(1)
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  )
}

function answer(path: string): string {
  if (path === '/count') return JSON.stringify({ unique: seen.size })
  if (path === '/books') {
    const [p50Ms, p99Ms] = [percentile(latencies, 50), percentile(latencies, 99)]
    const books: Books = {
      unique: seen.size,
      repeated,
      p50Ms,
      p99Ms,
      firstSentAt,
      samples,
      last: last.slice(-LAST_KEPT),
    }
    return JSON.stringify(books)
  }
  seen.clear()
  repeated = 0
  firstSentAt = Infinity
  latencies = []
  samples = []
  last = []
  return '{}'
}

/** Serves one connection: requests with a Content-Length or without a body, possibly several in one read or over many. */
function serve(socket: Socket): void {
  let rest = ''
  socket.setNoDelay(true)
  // latin1 keeps one character a byte, so that lengths are right; payloads here are ASCII.
  socket.setEncoding('latin1')
  socket.on('error', () => socket.destroy())
  socket.on('data', (text: string) => {
    rest = rest === '' ? text : rest + text
    let replies = ''
    for (;;) {
      const headEnd = rest.indexOf('\r\n\r\n')
      if (headEnd === -1) break
      const head = rest.slice(0, headEnd)
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
      const end = headEnd + 4 + length
      if (rest.length < end) break
      if (head.startsWith('GET ')) {
        const text = answer(head.split(' ', 2)[1]!)
        replies += `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n${text}`
      } else {
        receive(head, rest.slice(headEnd + 4, end))
        replies += OK
      }
      rest = rest.slice(end)
    }
    if (replies !== '') socket.write(replies)
  })
}

createServer(serve).listen(Number(process.argv[2]), '127.0.0.1', 1024)
