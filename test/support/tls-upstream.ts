/** An upstream behind Node's own TLS that answers every request of HTTP/1.1 with `ok` and remembers whom it has met. */
import { once } from 'node:events'
import { type Socket } from 'node:net'
import { type Server, type TLSSocket, type TlsOptions, createServer } from 'node:tls'

export interface Met {
  /** By SNI; empty: none was asked for. */
  readonly serverName: string
  readonly resumed: boolean
  /** Common name of the certificate that it was shown; empty: none. */
  readonly client: string
  readonly version: string
}

export class TlsUpstream {
  /** Handshakes that succeeded. */
  readonly met: Met[] = []
  requests = 0
  private readonly server: Server
  private readonly sockets = new Set<Socket>()

  private constructor(options: TlsOptions) {
    this.server = createServer(options, (socket) => this.secured(socket))
    this.server.on('connection', (socket: Socket) => {
      this.sockets.add(socket)
      socket.on('close', () => this.sockets.delete(socket))
    })
    this.server.on('tlsClientError', () => {})
  }

  static async start(options: TlsOptions): Promise<TlsUpstream> {
    const upstream = new TlsUpstream(options)
    upstream.server.listen(0, '127.0.0.1')
    await once(upstream.server, 'listening')
    return upstream
  }

  get port(): number {
    const address = this.server.address()
    if (address === null || typeof address === 'string') throw new Error('the upstream does not listen')
    return address.port
  }

  get url(): string {
    return `https://127.0.0.1:${this.port}`
  }

  /** What it shows to those that come from now on. */
  show(options: TlsOptions): void {
    this.server.setSecureContext(options)
  }

  private secured(socket: TLSSocket): void {
    const name: unknown = Reflect.get(socket, 'servername')
    this.met.push({
      serverName: typeof name === 'string' ? name : '',
      resumed: socket.isSessionReused(),
      client: socket.getPeerCertificate().subject?.CN?.toString() ?? '',
      version: socket.getProtocol() ?? '',
    })
    let text = ''
    socket.on('error', () => socket.destroy())
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1')
      for (let end = text.indexOf('\r\n\r\n'); end !== -1; end = text.indexOf('\r\n\r\n')) {
        text = text.slice(end + 4)
        this.requests++
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      }
    })
  }

  async close(): Promise<void> {
    const closed = once(this.server, 'close')
    this.server.close()
    for (const socket of this.sockets) socket.destroy()
    await closed
  }
}
