/**
 * The process of the load of large bodies: origin, direction, bytes of one body, seconds, connections and the MB a second
 * that a download is read with in; a line with the bytes that passed out. With 0 seconds every connection has one turn. A
 * body counts when it passed whole.
 */
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { Pace } from './pace.ts'

const CHUNK = Buffer.alloc(256 * 1024, 'postern ')
const BUFFER_BYTES = 256 * 1024

const [, , origin, direction, bytes, seconds, connections, readPerSecond] = process.argv
const { hostname, port } = new URL(origin!)
const bodyBytes = Number(bytes)
const slow = new Pace(Number(readPerSecond))
const host = `Host: ${hostname}:${port}\r\n`
const head =
  direction === 'down'
    ? `GET /${bodyBytes} HTTP/1.1\r\n${host}\r\n`
    : `POST /upload HTTP/1.1\r\n${host}Content-Type: application/octet-stream\r\nContent-Length: ${bodyBytes}\r\n\r\n`

let [passed, errors] = [0, 0]
const startMs = performance.now()
const untilMs = startMs + 1000 * Number(seconds)
await Promise.all(Array.from({ length: Number(connections) }, run))
const summary = { bytes: passed, seconds: (performance.now() - startMs) / 1000, errors }
process.stdout.write(`summary ${JSON.stringify(summary)}\n`, () => process.exit(0))

/** One connection, one body after the other until the time is over. */
function run(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const buffer = Buffer.allocUnsafe(BUFFER_BYTES)
  let text = ''
  /** Of the answer's body; NaN while its head is awaited. */
  let missing = Number.NaN
  const read = (length: number) => {
    if (Number.isNaN(missing)) {
      text += buffer.toString('latin1', 0, length)
      const end = text.indexOf('\r\n\r\n')
      if (end === -1) return true
      missing = Number(/\r\ncontent-length: *(\d+)/i.exec(text)?.[1]) - (text.length - end - 4)
    } else missing -= length
    if (missing === 0) finish()
    else if (direction === 'down') slow.read(socket, length)
    return true
  }
  const finish = () => {
    // The sink says what it read; a download's length is in its head.
    const whole = direction === 'down' ? text.includes(`ength: ${bodyBytes}\r\n`) : text.endsWith(` ${bodyBytes} }`)
    if (text.startsWith('HTTP/1.1 200 ') && whole) passed += bodyBytes
    else errors++
    text = ''
    missing = Number.NaN
    if (performance.now() < untilMs) begin()
    else {
      resolve()
      socket.destroy()
    }
  }
  const begin = () => {
    socket.write(head)
    if (direction === 'up') upload(socket, bodyBytes)
  }
  const socket = connect({ host: hostname, port: Number(port), noDelay: true, onread: { buffer, callback: read } })
  socket.once('connect', begin)
  socket.on('error', () => socket.destroy())
  socket.once('close', () => {
    if (performance.now() < untilMs || !Number.isNaN(missing)) errors++
    resolve()
  })
  return promise
}

function upload(socket: Socket, missing: number): void {
  if (missing === 0 || socket.destroyed) return
  const length = Math.min(missing, CHUNK.length)
  socket.write(CHUNK.subarray(0, length), () => upload(socket, missing - length))
}
