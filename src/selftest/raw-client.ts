/** A client that sends exactly the bytes it is given, in the pieces it is given, and reads answers by the letter. */
import { type Socket, connect } from 'node:net'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { Bytes, type RawResponse, readResponse } from './raw-message.ts'
import { Signal } from './signal.ts'

/** A string is latin1: one character, one byte. */
export type Sendable = string | Buffer

export class RawClient {
  readonly socket: Socket
  /** `end`: the peer has closed, or closed its half; `reset`: it broke off. */
  over: 'no' | 'end' | 'reset' = 'no'
  private isReady = false
  private readonly bytes = new Bytes()
  private at = 0
  private readonly signal = new Signal()

  private constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    const secure = 'encrypted' in socket
    socket.on(secure ? 'secureConnect' : 'connect', () => {
      this.isReady = true
      this.signal.changed()
    })
    socket.on('data', (chunk: Buffer) => {
      this.bytes.push(chunk)
      this.signal.changed()
    })
    socket.on('end', () => this.finish('end'))
    // A write after the peer broke off fails too; what matters to a test is that the connection is over.
    socket.on('error', () => this.finish('reset'))
    socket.on('close', () => this.finish('end'))
  }

  /** `at` is a port, or the path of a Unix socket. */
  static connect(at: number | string, host = '127.0.0.1'): Promise<RawClient> {
    const to = typeof at === 'string' ? { path: at } : { port: at, host }
    return RawClient.over(connect({ ...to, allowHalfOpen: true }))
  }

  /** Waits until a socket is connected, its handshake included if it has one. */
  static async over(socket: Socket): Promise<RawClient> {
    const client = new RawClient(socket)
    await client.signal.until(
      () => {
        if (client.over !== 'no') throw new Error('the connection was refused')
        return client.isReady || undefined
      },
      () => 'a connection',
    )
    return client
  }

  /** Everything received, answers already read included. */
  get received(): string {
    return this.bytes.view().toString('latin1')
  }

  /** What came after the last answer that was read. */
  get rest(): string {
    return this.bytes.view().toString('latin1', this.at)
  }

  /** Sends; with several pieces, each is its own write with a turn of the event loop between. */
  async send(...pieces: readonly Sendable[]): Promise<void> {
    for (const [i, piece] of pieces.entries()) {
      if (i > 0) await turn()
      if (this.socket.writable) this.socket.write(piece, 'latin1')
    }
  }

  /** Sends every byte by itself. */
  async dribble(bytes: Sendable): Promise<void> {
    const all = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes
    await this.send(...Array.from(all, (_, i) => all.subarray(i, i + 1)))
  }

  /** The next answer, an interim one (1xx) included. Rejects when the connection is over before it is complete. */
  response(method = 'GET'): Promise<RawResponse> {
    return this.signal.until(
      () => {
        const answer = readResponse(this.bytes.view(), this.at, method, this.over === 'end')
        if (answer !== null) {
          this.at = answer.next
          return answer
        }
        if (this.over !== 'no')
          throw new Error(`the connection is over (${this.over}) before an answer: ${this.shown()}`)
        return undefined
      },
      () => `an answer; so far ${this.shown()}`,
    )
  }

  /** The next final answer: interim ones are read and left out. */
  async finalResponse(method = 'GET'): Promise<RawResponse> {
    for (;;) {
      const answer = await this.response(method)
      if (answer.status >= 200 || answer.status === 101) return answer
    }
  }

  /** Waits until the peer has closed; says how, and what came after the last answer that was read. */
  async closed(): Promise<{ how: 'end' | 'reset'; rest: string }> {
    const how = await this.signal.until(
      () => (this.over === 'no' ? undefined : this.over),
      () => `the end of the connection; so far ${this.shown()}`,
    )
    return { how, rest: this.rest }
  }

  /** Waits until `done`, but no longer than this, and not once `over` is aborted. Whether it came to it. */
  waitFor(done: () => boolean, withinMs: number, over?: AbortSignal): Promise<boolean> {
    const look = (): void => this.signal.changed()
    over?.addEventListener('abort', look)
    const come = this.signal.until(
      () => done() || over?.aborted || undefined,
      () => 'it',
      withinMs,
    )
    return come.catch(() => false).finally(() => over?.removeEventListener('abort', look))
  }

  /** Drops what has been received so far. */
  forget(): void {
    this.bytes.drop(this.bytes.length)
    this.at = 0
  }

  /** Waits until what was received holds this text. */
  async until(text: string): Promise<void> {
    await this.signal.until(
      () => this.received.includes(text) || undefined,
      () => `${JSON.stringify(text)}; so far ${this.shown()}`,
    )
  }

  /** Waits until at least so many bytes are there that no answer has been read from, and takes them. */
  async take(count: number): Promise<string> {
    const taken = await this.signal.until(
      () => (this.rest.length >= count ? this.rest.slice(0, count) : undefined),
      () => `${count} bytes; so far ${this.shown()}`,
    )
    this.at += count
    return taken
  }

  /** Waits until nothing has come for a while. For showing that nothing more comes; never for waiting on something that should. */
  async idle(quietMs = 50): Promise<string> {
    for (let length = -1; length !== this.bytes.length;) {
      length = this.bytes.length
      await sleep(quietMs)
    }
    return this.rest
  }

  /** Says that nothing more will be sent, and goes on reading. */
  end(): void {
    this.socket.end()
  }

  /** Breaks off with a reset. */
  reset(): void {
    this.socket.resetAndDestroy()
  }

  /** Leaves as a browser does whose user closed the page. */
  close(): void {
    this.socket.destroy()
  }

  private finish(how: 'end' | 'reset'): void {
    if (this.over === 'no') this.over = how
    this.signal.changed()
  }

  private shown(): string {
    return JSON.stringify(this.received.slice(-600))
  }
}

/** One message that nobody else shares a connection with: sends, reads the answer, closes. */
export async function exchangeOnce(port: number, bytes: Sendable, method = 'GET'): Promise<RawResponse> {
  const client = await RawClient.connect(port)
  try {
    await client.send(bytes)
    return await client.finalResponse(method)
  } finally {
    client.close()
  }
}
