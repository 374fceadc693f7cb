/** A service of the gateway or a partner's endpoint: keeps every request as it came and answers as told, badly if need be. */
import {
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  createServer,
} from 'node:http'
import { buffer } from 'node:stream/consumers'
import { Signal } from '../../../src/selftest/signal.ts'

/** A request that arrived whole. */
export interface Taken {
  readonly method: string
  /** Path and query. */
  readonly url: string
  /** Names in lower case. */
  readonly headers: IncomingHttpHeaders
  /** `Name: value` as sent, in order. */
  readonly lines: readonly string[]
  readonly body: Buffer
  /** Wall clock, ms, when it was complete. */
  readonly at: number
}

export interface Answer {
  /** Default 200. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

/** What to answer; null is silence. `nth` counts the requests of the path from 0. */
export type Script = (nth: number, request: Taken) => Answer | null | Promise<Answer | null>

/** A path of a receiver, and what came to it. */
export class Inbox {
  readonly url: string
  readonly taken: Taken[] = []
  script: Script = () => ({})
  private readonly signal: Signal

  constructor(url: string, signal: Signal) {
    this.url = url
    this.signal = signal
  }

  /** Waits until so many requests have come. */
  until(count: number, patienceMs?: number): Promise<readonly Taken[]> {
    return this.untilTrue(() => this.taken.length >= count, `${count} requests`, patienceMs).then(() => this.taken)
  }

  /** Waits until `holds`, asked at every request. */
  untilTrue(holds: () => boolean, what: string, patienceMs?: number): Promise<true> {
    const describe = (): string => `${what} at ${this.url}, which has had ${this.taken.length}`
    return this.signal.until(() => (holds() ? true : undefined), describe, patienceMs)
  }
}

export class Receiver {
  readonly url: string
  readonly port: number
  /** Connections accepted, whatever came over them. */
  connections = 0
  private readonly server: Server
  private readonly inboxes = new Map<string, Inbox>()
  private readonly signal = new Signal()

  private constructor(server: Server, port: number) {
    this.port = port
    this.url = `http://127.0.0.1:${port}`
    this.server = server
    server.on('connection', () => this.connections++)
    server.on('request', (request, response) => void this.receive(request, response))
  }

  /** Listens on `port`, or on one of the system's choosing. */
  static async start(port = 0): Promise<Receiver> {
    const server = createServer({ keepAliveTimeout: 60_000 })
    return new Receiver(server, await listening(server, port))
  }

  /** The inbox of a path; one that nobody has asked for yet answers 200. */
  at(path: string, script?: Script): Inbox {
    let inbox = this.inboxes.get(path)
    if (inbox === undefined) this.inboxes.set(path, (inbox = new Inbox(this.url + path, this.signal)))
    if (script !== undefined) inbox.script = script
    return inbox
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()))
    this.server.closeAllConnections()
    await closed
  }

  private async receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request).catch(() => null)
    // It broke off: nothing has arrived.
    if (body === null) return
    const { method = '', url = '', headers, rawHeaders } = request
    const lines = rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${rawHeaders[i + 1]!}`] : []))
    const taken: Taken = { method, url, headers, lines, body, at: Date.now() }
    const inbox = this.at(url.split('?')[0]!)
    const scripted = inbox.script(inbox.taken.push(taken) - 1, taken)
    this.signal.changed()
    const answer = await scripted
    if (answer === null || response.destroyed) return
    response.writeHead(answer.status ?? 200, answer.headers).end(answer.body)
  }
}

/** A port on which nothing listens: it was free a moment ago. */
export async function closedPort(): Promise<number> {
  const server = createServer()
  const port = await listening(server, 0)
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return port
}

async function listening(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the receiver does not listen')
  return address.port
}
