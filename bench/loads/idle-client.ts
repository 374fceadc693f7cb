/**
 * The process that holds idle connections: origin, `keep-alive` or `websocket`, and their number in. Each asks once and has its
 * answer; then nothing moves. It prints `opened` when all stand, and a line of what became of them when it is asked to end.
 */
import { connect } from 'node:net'
import type { Socket } from 'node:net'

/** Opened at once at most: well within what the queue of a listener holds, on both legs. */
const OPENING_MAX = 64
/** So many from one address of loopback: its ports stay in TIME_WAIT, and the fewer are free, the slower one is found. */
const PER_ADDRESS = 1000

const REQUEST = 'GET /user/profile HTTP/1.1\r\n'
const UPGRADE =
  'GET /socket HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
/** A text message, masked as a client's are (RFC 6455 §5.7). */
const HELLO = Buffer.from([0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58])

const [, , origin, kind, count] = process.argv
const { hostname, port } = new URL(origin!)
const host = `Host: ${hostname}:${port}\r\n\r\n`
const held: Socket[] = []
const failed: string[] = []
let [begun, lost] = [0, 0]

await Promise.all(Array.from({ length: Math.min(OPENING_MAX, Number(count)) }, openOneAfterTheOther))
process.stdout.write('opened\n')
process.once('SIGTERM', () => {
  const summary = { held: held.length - lost, errors: failed.length + lost, failed: failed[0] ?? '' }
  process.stdout.write(`summary ${JSON.stringify(summary)}\n`, () => process.exit(0))
})

async function openOneAfterTheOther(): Promise<void> {
  while (begun < Number(count)) {
    const localAddress = `127.0.0.${2 + Math.floor(begun / PER_ADDRESS)}`
    begun++
    try {
      const socket = await open(localAddress)
      held.push(socket)
      socket.once('close', () => {
        lost++
      })
    } catch (error) {
      failed.push(error instanceof Error ? error.message : String(error))
    }
  }
}

function open(localAddress: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), localAddress, noDelay: true })
    let text = ''
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      const before = text
      text += chunk
      if (kind === 'keep-alive') {
        if (text.startsWith('HTTP/1.1 200 ') && /\r\n\r\n[^]*\}\s*$/.test(text)) resolve(socket)
      } else if (text.startsWith('HTTP/1.1 101 ') && text.includes('\r\n\r\n')) {
        if (!before.includes('\r\n\r\n')) socket.write(HELLO)
        if (text.endsWith('Hello')) resolve(socket)
      }
    })
    socket.once('connect', () => socket.write((kind === 'keep-alive' ? REQUEST : UPGRADE) + host))
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('closed')))
  })
}
