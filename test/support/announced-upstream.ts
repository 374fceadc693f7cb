/** An upstream that wants to be told whose connections it is given: every connection begins with a PROXY protocol header. */
import { once } from 'node:events'
import { type Server, type Socket, createServer } from 'node:net'
import { readProxyHeader } from '../../src/wire/proxy-header.ts'
import { Signal } from '../../src/selftest/signal.ts'

export interface Announced {
  /** In hex: by the letter. */
  readonly header: string
  /** Ends of the client; null: none were told. */
  readonly client: string | null
  readonly clientPort: number
  readonly serverPort: number
  requests: number
  over: boolean
}

export class AnnouncedUpstream {
  readonly connections: Announced[] = []
  private readonly server: Server
  private readonly sockets = new Set<Socket>()
  private readonly signal = new Signal()

  private constructor() {
    this.server = createServer((socket) => this.accept(socket))
  }

  static async start(at: string | number = 0): Promise<AnnouncedUpstream> {
    const upstream = new AnnouncedUpstream()
    if (typeof at === 'string') upstream.server.listen(at)
    else upstream.server.listen(at, '127.0.0.1')
    await once(upstream.server, 'listening')
    return upstream
  }

  get url(): string {
    const address = this.server.address()
    if (address === null) throw new Error('the upstream does not listen')
    return typeof address === 'string' ? `unix:${address}` : `http://127.0.0.1:${address.port}`
  }

  /** Waits until `done`. */
  until(done: () => boolean, what: string): Promise<true> {
    return this.signal.until(
      () => done() || undefined,
      () => `${what}; there are ${JSON.stringify(this.connections)}`,
    )
  }

  private accept(socket: Socket): void {
    this.sockets.add(socket)
    let bytes = Buffer.alloc(0)
    let announced: Announced | null = null
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      this.sockets.delete(socket)
      if (announced !== null) announced.over = true
      this.signal.changed()
    })
    socket.on('data', (more: Buffer) => {
      bytes = Buffer.concat([bytes, more])
      if (announced === null) {
        const header = readProxyHeader(bytes)
        if (header === 'more') return
        if (header === 'malformed') return void socket.destroy()
        const { client = null, clientPort = 0, serverPort = 0 } = header.ends ?? {}
        const hex = bytes.toString('hex', 0, header.length)
        this.connections.push((announced = { header: hex, client, clientPort, serverPort, requests: 0, over: false }))
        bytes = bytes.subarray(header.length)
      }
      for (let end = bytes.indexOf('\r\n\r\n'); end !== -1; end = bytes.indexOf('\r\n\r\n')) {
        bytes = bytes.subarray(end + 4)
        announced.requests++
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      }
      this.signal.changed()
    })
  }

  async close(): Promise<void> {
    const closed = once(this.server, 'close')
    this.server.close()
    for (const socket of this.sockets) socket.destroy()
    await closed
  }
}
