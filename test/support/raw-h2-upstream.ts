/** An upstream of HTTP/2 that sends exactly the frames it is told to: what a broken or hostile service is made of. */
import { once } from 'node:events'
import { type Server, createServer } from 'node:net'
import { type Frame, RawH2, TYPE, answerHead, frame } from '../../src/selftest/raw-h2.ts'

/** The whole answer 200 `ok` to stream `id`. */
export function okAnswer(id: number): Buffer {
  return Buffer.concat([answerHead(id), frame(TYPE.DATA, 1, id, 'ok')])
}

export class RawH2Upstream {
  /** In the order in which they came. */
  readonly connections: RawH2[] = []
  /** Called with each frame that a request begins with. */
  onRequest: (peer: RawH2, request: Frame, connection: number) => void = (peer, { id }) => peer.send(okAnswer(id))
  private readonly server: Server

  private constructor(settings: Buffer) {
    this.server = createServer({ noDelay: true }, (socket) => {
      const peer = RawH2.accept(socket, settings)
      const number = this.connections.push(peer) - 1
      peer.onFrame = (one) => {
        if (one.type === TYPE.HEADERS) this.onRequest(peer, one, number)
      }
    })
  }

  static async start(settings: Buffer = Buffer.alloc(0)): Promise<RawH2Upstream> {
    const upstream = new RawH2Upstream(settings)
    upstream.server.listen(0, '127.0.0.1')
    await once(upstream.server, 'listening')
    return upstream
  }

  get url(): string {
    const address = this.server.address()
    if (address === null || typeof address === 'string') throw new Error('the upstream does not listen')
    return `http://127.0.0.1:${address.port}`
  }

  async close(): Promise<void> {
    for (const peer of this.connections) peer.close()
    await new Promise<void>((resolve) => this.server.close(() => resolve()))
  }
}
