/**
 * A client that never stops asking and counts every failure: an answer that is not the one wanted, a connection that is refused, breaks
 * off, or ends while a request waits. What a client has to expect (a kept connection that ends between two requests) is no failure.
 */
import { type Socket, connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

export interface LoadOptions {
  /** A port, or the path of a Unix socket. */
  readonly at: number | string
  /** Connections that are kept, and connections for one request each; both ask one request after the other. */
  readonly kept: number
  readonly single: number
  /** Body of every answer. */
  readonly body: string
  /** Longest pause between two requests of a kept connection, ms. */
  readonly pauseMs?: number
}

export class LoadClient {
  answered = 0
  /** Of those, on how many connections. */
  connections = 0
  readonly failures: string[] = []
  private readonly options: LoadOptions
  private readonly all: Promise<void>[]
  private stopping = false

  constructor(options: LoadOptions) {
    this.options = options
    this.all = [
      ...Array.from({ length: options.kept }, () => this.askOn(false)),
      ...Array.from({ length: options.single }, () => this.askOn(true)),
    ]
  }

  /** Waits until so many more have been answered, or something has failed. */
  async more(count: number): Promise<void> {
    const enough = this.answered + count
    while (this.answered < enough && this.failures.length === 0) await delay(5)
  }

  /** Every request that was begun is answered first. */
  async stop(): Promise<void> {
    this.stopping = true
    await Promise.all(this.all)
  }

  private async askOn(single: boolean): Promise<void> {
    while (!this.stopping && this.failures.length < 100) await this.connection(single)
  }

  /** Until it ends, by whoever's wish. */
  private connection(single: boolean): Promise<void> {
    const { at, body, pauseMs = 10 } = this.options
    const request = `GET /load HTTP/1.1\r\nHost: a\r\n${single ? 'Connection: close\r\n' : ''}\r\n`
    const socket: Socket = connect(typeof at === 'string' ? { path: at } : { port: at, host: '127.0.0.1' })
    this.connections++
    return new Promise((resolve) => {
      let waits = true
      let text = ''
      const fail = (why: string) => {
        if (waits) this.failures.push(why)
        waits = false
        socket.destroy()
        resolve()
      }
      const ask = () => {
        if (this.stopping) return fail('')
        waits = true
        text = ''
        socket.write(request)
      }
      socket.on('connect', () => socket.write(request))
      socket.on('data', (bytes: Buffer) => {
        text += bytes.toString('latin1')
        const end = text.indexOf('\r\n\r\n')
        if (end === -1 || text.length < end + 4 + body.length) return
        if (!waits || !text.startsWith('HTTP/1.1 200 ') || text.slice(end + 4) !== body) return fail(`answer ${text}`)
        this.answered++
        waits = false
        if (this.stopping || /\r\nconnection: close/i.test(text.slice(0, end))) return fail('')
        setTimeout(ask, Math.random() * pauseMs)
      })
      socket.on('error', (error: NodeJS.ErrnoException) => fail(`${error.syscall} ${error.code}`))
      socket.on('end', () => fail('ended without an answer'))
      socket.on('close', () => fail('closed without an answer'))
    })
  }
}
