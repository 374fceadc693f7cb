/** Node's own HTTP/2 as client and upstream: an implementation that shares nothing with the product's. */
import http2, {
  type ClientHttp2Session,
  type Http2SecureServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2'
import { buffer } from 'node:stream/consumers'

export interface H2Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly trailers: IncomingHttpHeaders
  /** Statuses of interim answers. */
  readonly interim: readonly number[]
}

/** Sends a request with a body that is there whole, and collects the answer. */
export async function ask(
  session: ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders,
  body: string | Buffer | null = null,
  trailers: http2.OutgoingHttpHeaders | null = null,
): Promise<H2Answer> {
  const stream = session.request(headers, { endStream: body === null, waitForTrailers: trailers !== null })
  stream.on('wantTrailers', () => stream.sendTrailers(trailers ?? {}))
  const interim: number[] = []
  let answered: IncomingHttpHeaders = {}
  let after: IncomingHttpHeaders = {}
  stream.on('headers', (more) => interim.push(Number(more[':status'])))
  stream.on('continue', () => interim.push(100))
  stream.on('response', (head) => (answered = head))
  stream.on('trailers', (more) => (after = more))
  if (body !== null) stream.end(body)
  const received = await buffer(stream)
  return { status: Number(answered[':status']), headers: answered, body: received, trailers: after, interim }
}

export function connectH2(port: number): ClientHttp2Session {
  const session = http2.connect(`http://127.0.0.1:${port}`)
  session.on('error', () => {})
  return session
}

export type OnStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void

/** An upstream that speaks HTTP/2, in clear or, given a key, behind TLS, and counts its connections. */
export class H2Upstream {
  readonly server: Http2Server | Http2SecureServer
  private readonly secure: boolean
  readonly sessions = new Set<http2.ServerHttp2Session>()
  connections = 0
  onStream: OnStream = (stream) => {
    stream.respond({ ':status': 200 })
    stream.end('ok')
  }

  private constructor(options: http2.SecureServerOptions) {
    this.secure = options.key !== undefined
    this.server = this.secure ? http2.createSecureServer(options) : http2.createServer(options)
    this.server.on('session', (session) => {
      this.connections++
      this.sessions.add(session)
      session.on('error', () => {})
      session.on('close', () => this.sessions.delete(session))
    })
    this.server.on('stream', (stream: ServerHttp2Stream, headers) => {
      stream.on('error', () => {})
      this.onStream(stream, headers)
    })
  }

  static async start(options: http2.SecureServerOptions = {}): Promise<H2Upstream> {
    const upstream = new H2Upstream(options)
    await new Promise<void>((resolve) => upstream.server.listen(0, '127.0.0.1', resolve))
    return upstream
  }

  get url(): string {
    const address = this.server.address()
    if (address === null || typeof address === 'string') throw new Error('the upstream does not listen')
    return `${this.secure ? 'https' : 'http'}://127.0.0.1:${address.port}`
  }

  async close(): Promise<void> {
    for (const session of this.sessions) session.destroy()
    await new Promise<void>((resolve) => this.server.close(() => resolve()))
  }
}
