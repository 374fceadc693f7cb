/** A server that records every byte it is sent, by connection, and answers by script: politely, or as the worst of upstreams. */
import { once } from 'node:events'
import { type Server, type Socket, createServer } from 'node:net'
import { Bytes, type RawRequest, type RequestStart, readRequest, readRequestStart } from './raw-message.ts'
import { Signal } from './signal.ts'

export interface RecordedRequest extends RawRequest {
  readonly connection: RecordedConnection
  /** 0 for the first request of its connection. */
  readonly nth: number
}

export interface Script {
  /** When to answer: at the connection, at a request's head, or when the request is complete (the default). */
  readonly on?: 'connection' | 'head' | 'request'
  /** The bytes, or what to do; `nth` counts the requests of the connection from 0. */
  readonly answer: string | Buffer | ((socket: Socket, nth: number, connection: RecordedConnection) => void)
  /** Called at each head as well. */
  readonly onHead?: (socket: Socket, start: RequestStart) => void
  /** After the first answer the connection carries something else: its bytes are recorded and no longer read as requests. */
  readonly tunnel?: boolean
}

/** Answers 200 with `body` and stays. */
export function ok(body = 'ok'): Script {
  return { answer: `HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}` }
}

export class RecordedConnection {
  readonly id: number
  readonly socket: Socket
  /** `end`: closed, by the peer (its half at least) or by the script; `reset`: the peer broke off. */
  over: 'no' | 'end' | 'reset' = 'no'
  requests = 0
  readonly bytes = new Bytes()
  /** Where the first byte is that belongs to no complete request. */
  at = 0
  /** What was not HTTP about it; null when all was. */
  error: Error | null = null
  tunnelled = false
  headSeen = false
  /** The latest complete request. */
  last: RecordedRequest | null = null

  constructor(id: number, socket: Socket) {
    this.id = id
    this.socket = socket
  }

  /** Received bytes that are not part of a complete request. */
  get partial(): string {
    return this.bytes.view().toString('latin1', this.at)
  }
}

export class RecordingUpstream {
  script: Script
  connections: RecordedConnection[] = []
  requests: RecordedRequest[] = []
  /** Called after whatever happens here. */
  onChange: (() => void) | null = null
  private readonly sockets = new Set<Socket>()
  private accepted = 0
  private readonly server: Server
  private readonly signal = new Signal()

  private constructor(script: Script) {
    this.script = script
    this.server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.accept(socket))
  }

  /** Rejects with the system's error when the address cannot be had. */
  static async start(script: Script = ok(), port = 0, host = '127.0.0.1'): Promise<RecordingUpstream> {
    const upstream = new RecordingUpstream(script)
    const listening = once(upstream.server, 'listening')
    upstream.server.listen(port, host)
    await listening
    return upstream
  }

  get port(): number {
    const address = this.server.address()
    if (address === null || typeof address === 'string') throw new Error('the upstream does not listen')
    return address.port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get open(): RecordedConnection[] {
    return this.connections.filter((connection) => connection.over === 'no')
  }

  /** Waits until `get` gives something. */
  until<T>(get: () => T | undefined, what: string): Promise<T> {
    return this.signal.until(get, () => `${what} at the upstream; it has ${this.shown()}`)
  }

  /** Waits until so many complete requests have been recorded. */
  async untilRequests(count: number): Promise<readonly RecordedRequest[]> {
    return this.until(() => (this.requests.length >= count ? this.requests : undefined), `${count} requests`)
  }

  /** Lets go of what is over: requests, connections that are closed, and the bytes of complete requests on those that are open. */
  forget(): void {
    this.requests = []
    for (const { over, socket, tunnelled } of this.connections) if (over !== 'no' && !tunnelled) socket.destroy()
    this.connections = this.connections.filter(({ over, error }) => over === 'no' && error === null)
    for (const connection of this.connections) {
      connection.bytes.drop(connection.at)
      connection.at = 0
    }
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    await new Promise<void>((resolve) => this.server.close(() => resolve()))
  }

  private changed(): void {
    this.signal.changed()
    this.onChange?.()
  }

  private accept(socket: Socket): void {
    const connection = new RecordedConnection(this.accepted++, socket)
    this.connections.push(connection)
    this.sockets.add(socket)
    const finish = (how: 'end' | 'reset'): void => {
      if (connection.over === 'no') connection.over = how
      this.changed()
    }
    socket.on('data', (chunk: Buffer) => {
      connection.bytes.push(chunk)
      this.read(connection)
      this.changed()
    })
    socket.on('end', () => {
      finish('end')
      if (!connection.tunnelled) socket.end()
    })
    socket.on('error', () => finish('reset'))
    socket.on('close', () => {
      this.sockets.delete(socket)
      finish('end')
    })
    if (this.script.on === 'connection') this.answer(connection)
    this.changed()
  }

  /** Takes what has come apart into requests and answers each at its moment. */
  private read(connection: RecordedConnection): void {
    while (!connection.tunnelled && connection.error === null) {
      try {
        const head = readRequestStart(connection.bytes.view(), connection.at)
        if (head === null) return
        if (!connection.headSeen) {
          connection.headSeen = true
          this.script.onHead?.(connection.socket, head)
          if (this.script.on === 'head') this.answer(connection)
        }
        const request = readRequest(connection.bytes.view(), connection.at)
        if (request === null) return
        connection.at = request.next
        connection.headSeen = false
        connection.last = { ...request, connection, nth: connection.requests }
        this.requests.push(connection.last)
        if ((this.script.on ?? 'request') === 'request') this.answer(connection)
        connection.requests++
      } catch (error) {
        connection.error = error instanceof Error ? error : new Error(String(error))
      }
    }
  }

  private answer(connection: RecordedConnection): void {
    const { answer, tunnel } = this.script
    if (tunnel === true) connection.tunnelled = true
    if (typeof answer === 'function') answer(connection.socket, connection.requests, connection)
    else if (connection.socket.writable) connection.socket.write(answer)
  }

  private shown(): string {
    return JSON.stringify(
      this.connections.map(({ requests, over, partial, error }) => ({
        requests,
        over,
        partial: partial.slice(-300),
        error: error?.message,
      })),
    )
  }
}
