/**
 * The process of the paced load: origin, headers (JSON), requests a second, seconds and connections in; a line of latencies out.
 *
 * Requests come as from many people who do not know of each other (Poisson, from a fixed seed), each on a connection that is
 * free, and a latency counts from the moment a request was due: what waits because the server is slow is not forgotten
 * ("coordinated omission"). It spins between requests, because timers know milliseconds only; whoever starts it gives it
 * idle priority, so that the upstream on the same core never waits for it.
 */
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { percentile } from '../statistics.ts'

interface Connection {
  readonly socket: Socket
  /** When its request was due, ms; NaN while it has none. */
  dueMs: number
  /** What came of the answer so far. */
  text: string
}

const SETTLE_MS = 500
const LAST_ANSWERS_MS = 2000
const MICROS_PER_MS = 1000

const [, , origin, headers, rate, seconds, connections] = process.argv
const { hostname, port } = new URL(origin!)
const lines = Object.entries(JSON.parse(headers!)).map(([name, value]) => `${name}: ${String(value)}\r\n`)
const request = Buffer.from(`GET /user/profile?lang=en HTTP/1.1\r\nHost: ${hostname}:${port}\r\n${lines.join('')}\r\n`)

const free: Connection[] = []
const waiting: number[] = []
const latenciesMicros: number[] = []
let [refused, broken, unanswered] = [0, 0, 0]

await Promise.all(Array.from({ length: Number(connections) }, open))
const firstMs = performance.now()
const recordFromMs = firstMs + SETTLE_MS
const untilMs = recordFromMs + 1000 * Number(seconds)
let nextMs = firstMs
let seed = 1
setImmediate(spin)

function open(): Promise<void> {
  return new Promise((resolve, reject) => {
    const buffer = Buffer.allocUnsafe(8192)
    const read = (bytes: number) => {
      answered(connection, buffer.toString('latin1', 0, bytes))
      return true
    }
    const socket = connect({ host: hostname, port: Number(port), noDelay: true, onread: { buffer, callback: read } })
    const connection: Connection = { socket, dueMs: Number.NaN, text: '' }
    socket.once('connect', resolve).once('error', reject)
    socket.on('error', () => socket.destroy())
    socket.once('close', () => {
      broken++
    })
    free.push(connection)
  })
}

function spin(): void {
  const now = performance.now()
  while (nextMs <= now) {
    unanswered++
    const connection = free.shift()
    if (connection === undefined) waiting.push(nextMs)
    else send(connection, nextMs)
    nextMs += (-Math.log(1 - random()) * 1000) / Number(rate)
  }
  if (now < untilMs) setImmediate(spin)
  else setTimeout(finish, LAST_ANSWERS_MS)
}

function send(connection: Connection, dueMs: number): void {
  connection.dueMs = dueMs
  connection.socket.write(request)
}

function answered(connection: Connection, chunk: string): void {
  connection.text += chunk
  const { text, dueMs } = connection
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(text)?.[1])
  if (text.length < end + 4 + length) return
  connection.text = ''
  unanswered--
  if (!text.startsWith('HTTP/1.1 200 ')) refused++
  if (dueMs >= recordFromMs && dueMs < untilMs) latenciesMicros.push((performance.now() - dueMs) * MICROS_PER_MS)
  const next = waiting.shift()
  if (next === undefined) free.push(connection)
  else send(connection, next)
}

/** Uniform in [0, 1): mulberry32, so that every server meets the same requests at the same distances. */
function random(): number {
  seed = (seed + 0x6d2b79f5) | 0
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
}

function finish(): void {
  const summary = {
    perSecond: latenciesMicros.length / Number(seconds),
    p50Micros: percentile(latenciesMicros, 50),
    p99Micros: percentile(latenciesMicros, 99),
    errors: refused + broken + unanswered,
  }
  process.stdout.write(`summary ${JSON.stringify(summary)}\n`, () => process.exit(0))
}
