/** Where a row is played: the gateway, the upstream behind it if it is ours to watch, and what has come of the row so far. */
import { setTimeout as sleep } from 'node:timers/promises'
import { FLOOD } from './corpus/h2-abuse.ts'
import { RawClient, type Sendable } from './raw-client.ts'
import { RawH2 } from './raw-h2.ts'
import {
  type RecordedConnection,
  type RecordedRequest,
  type RecordingUpstream,
  type Script,
} from './recording-upstream.ts'
import { Signal } from './signal.ts'
import { type Target, open } from './target.ts'

const TRIES = 10
const AGAIN_MS = 300
const SHOWN_BYTES = 4_096

/** A row found fault with the gateway. */
export class Fault extends Error {
  override readonly name = 'Fault'
}

/** A row has nothing to say about this gateway. */
export class NotApplicable extends Error {
  override readonly name = 'NotApplicable'
}

/** Answers each request with its own target: whoever gets another's answer shows it. */
export const ECHO: Script = {
  answer: (socket, _, connection) => {
    const target = connection.last?.target ?? ''
    if (socket.writable)
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(target)}\r\n\r\n${target}`)
  },
}

export class Stage {
  readonly target: Target
  /** Null: only what the client sees can be judged. */
  readonly upstream: RecordingUpstream | null
  /** How long a gateway may take for what should come at once. */
  readonly patienceMs: number
  /** What the upstream sees in the place of the target's path. */
  upstreamPath = ''
  private requestsBefore = 0
  private readonly partialBefore = new Set<RecordedConnection>()
  private clients: RawClient[] = []
  private clientsH2: RawH2[] = []
  private speaksH2 = true
  private sent: string[] = []
  private strangers = 0
  private readonly signal = new Signal()

  constructor(target: Target, upstream: RecordingUpstream | null, patienceMs: number) {
    this.target = target
    this.upstream = upstream
    this.patienceMs = patienceMs
    if (upstream !== null) upstream.onChange = () => this.signal.changed()
  }

  /** Forgets the row before. */
  begin(script: Script = ECHO): void {
    for (const client of [...this.clients, ...this.clientsH2]) client.close()
    this.clients = []
    this.clientsH2 = []
    this.sent = []
    if (this.upstream === null) return
    this.upstream.script = script
    // A client that closes is to a tunnel like one that has only stopped sending: it waits for the other side.
    for (const { socket, tunnelled } of this.upstream.connections) if (tunnelled) socket.destroy()
    this.upstream.forget()
    this.requestsBefore = this.upstream.requests.length
    for (const one of this.upstream.connections)
      if (one.partial !== '' || one.error !== null) this.partialBefore.add(one)
  }

  /** `serverName`: asked for in the handshake, in the place of the target's. */
  async connect(serverName?: string): Promise<RawClient> {
    const client = await RawClient.over(open(this.target, 'http/1.1', serverName))
    this.clients.push(client)
    const changed = (): void => this.signal.changed()
    client.socket.on('data', changed).on('end', changed).on('close', changed)
    return client
  }

  /** Speaks HTTP/2 from now on. Rejects with NotApplicable where that is not spoken. */
  async connectH2(): Promise<RawH2> {
    const { target } = this
    const client = this.speaksH2 ? await RawH2.over(open(target, 'h2'), this.patienceMs) : null
    this.speaksH2 = client !== null
    if (client === null)
      throw new NotApplicable(`it speaks no HTTP/2 ${target.secure ? 'behind TLS' : 'in clear with prior knowledge'}`)
    this.clientsH2.push(client)
    return client
  }

  /** Sends frames; of many, the report shows the first. */
  sendH2(client: RawH2, frames: Buffer): void {
    this.sent.push(frames.toString('latin1', 0, SHOWN_BYTES))
    client.send(frames)
  }

  /** Waits until `done` on either side, but no longer than patience lasts. Whether it came to it. */
  until(done: () => boolean, patienceMs = this.patienceMs): Promise<boolean> {
    const come = this.signal.until(
      () => done() || undefined,
      () => 'it',
      patienceMs,
    )
    return come.catch(() => false)
  }

  async send(client: RawClient, ...pieces: readonly Sendable[]): Promise<void> {
    for (const piece of pieces) this.sent.push(typeof piece === 'string' ? piece : piece.toString('latin1'))
    await client.send(...pieces)
  }

  /** Requests that reached the upstream whole since the row began. */
  get requests(): readonly RecordedRequest[] {
    const all = this.upstream?.requests.slice(this.requestsBefore) ?? []
    return all.filter(({ target }) => !target.endsWith(FLOOD))
  }

  /** Connections that hold bytes of no whole request, or bytes that are not HTTP, since the row began. */
  get partial(): readonly RecordedConnection[] {
    const all = this.upstream?.connections ?? []
    const isFlood = ({ partial }: RecordedConnection): boolean =>
      partial.slice(0, partial.indexOf(' HTTP')).endsWith(FLOOD)
    return all.filter(
      (one) => !this.partialBefore.has(one) && (one.error !== null || (one.partial !== '' && !isFlood(one))),
    )
  }

  /** What the row has left behind, for the report. */
  get evidence(): Evidence {
    return {
      sent: this.sent.join(''),
      received: [...this.clients.map((client) => client.received), ...this.clientsH2.map((client) => client.shown())],
      upstream:
        this.upstream === null
          ? null
          : this.upstream.connections.map((one) => one.bytes.view().toString('latin1')).filter((bytes) => bytes !== ''),
    }
  }

  /** Finds out where the target leads. Rejects with Fault when that is not the upstream. */
  async prepare(): Promise<void> {
    const { host, path } = this.target
    const name = '/baseline'
    let said = 'nothing'
    for (let tries = 0; tries < TRIES; tries++) {
      this.begin()
      const client = await this.connect()
      await client.send(`GET ${path}${name} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
      const answer = await client.finalResponse()
      said = String(answer.status)
      if (this.upstream === null) return
      const [request] = this.requests
      if (request !== undefined && answer.status === 200 && request.target.endsWith(name)) {
        this.upstreamPath = request.target.slice(0, -name.length)
        return
      }
      // A gateway that has found nobody there before may look again a little later.
      await sleep(AGAIN_MS)
    }
    throw new Fault(`${this.target.url} does not lead to the upstream: it answered ${said}`)
  }

  /** Somebody else's request on another connection: it must come through as if nothing had been. */
  async stranger(): Promise<void> {
    const { host, path } = this.target
    const name = `/stranger/${++this.strangers}`
    const begun = this.requests.length
    if (this.upstream !== null) this.upstream.script = ECHO
    const client = await RawClient.over(open(this.target))
    try {
      await client.send(`GET ${path}${name} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
      const answer = await client.finalResponse()
      if (this.upstream === null) return
      const told = answer.body.toString('latin1')
      if (answer.status !== 200 || told !== this.upstreamPath + name)
        throw new Fault(`a stranger asked for ${name} and got ${answer.status} ${JSON.stringify(told.slice(0, 200))}`)
      const seen = this.requests[begun]?.target
      if (this.requests.length !== begun + 1 || seen !== this.upstreamPath + name)
        throw new Fault(
          `a stranger’s request brought ${this.requests
            .slice(begun)
            .map(({ start }) => start)
            .join(' and ')} upstream`,
        )
    } catch (error) {
      if (error instanceof Fault) throw error
      throw new Fault(`a stranger’s request was spoiled: ${error instanceof Error ? error.message : String(error)}`)
    } finally {
      client.close()
    }
  }

  end(): void {
    this.begin()
    if (this.upstream !== null) this.upstream.onChange = null
  }
}

/** Bytes as latin1. */
export interface Evidence {
  readonly sent: string
  /** By connection. */
  readonly received: readonly string[]
  /** By connection; null when nobody watched. */
  readonly upstream: readonly string[] | null
}
