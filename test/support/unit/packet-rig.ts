/** A real listener that records what it hears, and a client that sends packets which arrive one by one, as cut. */
import { once } from 'node:events'
import { type Socket, connect } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { systemClock } from '../../../src/base/clock.ts'
import type { Problem } from '../../../src/base/problem.ts'
import { Deadlines } from '../../../src/wire/deadlines.ts'
import { FRAMING, type RequestHead } from '../../../src/wire/head.ts'
import type { Inbound, InboundHandler } from '../../../src/wire/inbound.ts'
import { Listener } from '../../../src/wire/listener.ts'
import { OutgoingHead } from '../../../src/wire/outgoing.ts'
import type { Lines } from './grammar.ts'
import { FOR_ANYBODY, LOOPBACK, type SeenSockets, seeSockets } from './loopback.ts'

export interface HeardRequest {
  readonly method: string
  readonly target: string
  readonly authority: string
  readonly lines: Lines
  body: string
  /** `complete`; a problem's code; `aborted`; `unread` when the answer did not wait for the body. */
  end: string
}

/** What the listener's owner heard of one connection, in order; and what the client got. */
export interface Heard {
  readonly requests: readonly HeardRequest[]
  /** The wire refused bytes. Which of several things wrong with them it names may depend on how many of them had come. */
  readonly refused: boolean
  /** Without the refusal. */
  readonly answer: string
}

const REFUSAL = /HTTP\/1\.1 \d{3} [\w -]*\r\nContent-Type: application\/problem\+json\r\n[^]*$/

/** More turns of the event loop than bytes on loopback ever need; a wait that would not end says so. */
const TURNS_MAX = 5_000

/**
 * Answers each request with what it received: when its body is complete, or at once if the target begins with `/early`. One
 * connection at a time.
 */
export class PacketRig implements InboundHandler {
  private readonly deadlines = new Deadlines(systemClock)
  private readonly listener = new Listener(
    this,
    this.deadlines,
    {
      headMs: 60_000,
      bodyIdleMs: 60_000,
      keepAliveMs: 60_000,
      rateMin: { bytesPerSecond: 0, windowMs: 0 },
    },
    FOR_ANYBODY,
  )
  private port = 0
  private readonly seen: SeenSockets = seeSockets('server')
  private requests: HeardRequest[] = []
  private refusal = 0

  static async start(): Promise<PacketRig> {
    const rig = new PacketRig()
    rig.port = await rig.listener.listen(LOOPBACK, 16)
    return rig
  }

  async close(): Promise<void> {
    this.seen.stop()
    await this.listener.drain(0)
    this.deadlines.close()
  }

  /** Sends each packet after the one before has been taken in; then closes its half, and waits for the end. */
  async hear(packets: readonly Buffer[]): Promise<Heard> {
    this.requests = []
    this.refusal = 0
    const client = connect({ port: this.port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    let answer = ''
    client.on('data', (bytes) => (answer += bytes.toString('latin1')))
    client.on('error', () => {}) // a reset is one way to end
    const clientClosed = once(client, 'close')
    await once(client, 'connect')
    const isOurs = (socket: Socket) => socket.remotePort === client.localPort
    await until(() => this.seen.sockets.some(isOurs))
    const server = this.seen.sockets.find(isOurs)!
    this.seen.sockets.length = 0
    const serverClosed = once(server, 'close')
    let sent = 0
    for (const packet of packets) {
      if (server.destroyed) break
      client.write(packet)
      sent += packet.length
      await until(() => server.bytesRead >= sent || server.destroyed)
    }
    // Each request that waits behind another takes a turn.
    for (let turns = Buffer.concat(packets).toString('latin1').split('\n').length; turns > 0; turns--) await turn()
    client.end()
    await serverClosed
    await clientClosed
    return { requests: this.requests, refused: this.refusal !== 0, answer: answer.replace(REFUSAL, '') }
  }

  request(inbound: Inbound): void {
    const { head } = inbound
    const heard = heardOf(head)
    this.requests.push(heard)
    if (head.target.startsWith('/early')) {
      if (head.framing !== FRAMING.none) heard.end = 'unread'
      return respond(inbound, 200, heard.target)
    }
    inbound.listener = {
      drain: () => {},
      bodyRefused: (problem) => {
        heard.end = problem.code
        respond(inbound, problem.status, problem.code)
      },
      aborted: () => (heard.end = 'aborted'),
    }
    inbound.readBody(
      {
        data: (bytes, start, end) => (heard.body += bytes.toString('latin1', start, end)),
        end: () => {
          heard.end = 'complete'
          respond(inbound, 200, heard.body)
        },
      },
      0,
      0,
    )
  }

  refused(_inbound: Inbound, problem: Problem): void {
    this.refusal = problem.status
  }

  turnedAway(): void {}

  unused(): void {}

  unestablished(): void {}
}

function heardOf(head: RequestHead): HeardRequest {
  const { method, target, authority, count } = head
  const lines = Array.from({ length: count }, (_, i) => [head.name(i), head.value(i)] as const)
  return { method, target, authority, lines, body: '', end: 'complete' }
}

function respond(inbound: Inbound, status: number, text: string): void {
  const body = Buffer.from(text, 'latin1')
  const headers = new OutgoingHead()
  headers.append('Content-Length', String(body.length))
  inbound.respond(status, 'As Asked', headers, FRAMING.length, body.length)
  inbound.write(body, 0, body.length)
  inbound.end()
}

async function until(done: () => boolean): Promise<void> {
  for (let turns = 0; !done(); turns++) {
    if (turns === TURNS_MAX) throw new Error('a packet was never taken in')
    await turn()
  }
}
