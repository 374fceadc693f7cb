/** A small HTTP server on loopback that keeps what it was sent, so that the story can look. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { systemCode } from '../failure.ts'

export interface Arrived {
  readonly method: string
  readonly path: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, readonly string[]>>
  /** The exact bytes. */
  readonly body: Buffer
}

export interface Answer {
  readonly status: number
  /** Sent as JSON. */
  readonly body: unknown
  /** False: the request is no part of the story. */
  readonly keep?: false
}

const HOST = '127.0.0.1'
/** Somebody may point a load generator at the demo. */
const KEPT_MAX = 200

export class LocalService {
  readonly name: string
  readonly url: string
  /** The latest. */
  readonly arrived: Arrived[] = []
  /** Called after each answer. */
  onAnswer: ((arrived: Arrived, answer: Answer) => void) | null = null
  private readonly server: Server
  private readonly waiting = new Set<() => void>()

  private constructor(name: string, server: Server, port: number) {
    this.name = name
    this.server = server
    this.url = `http://${HOST}:${port}`
  }

  /** Listens on `port`, or on any free one when that is taken or 0. */
  static async start(name: string, answer: (arrived: Arrived) => Answer, port = 0): Promise<LocalService> {
    const server = createServer()
    try {
      await listen(server, port)
    } catch (error) {
      if (systemCode(error) !== 'EADDRINUSE') throw error
      await listen(server, 0)
    }
    const address = server.address()
    const service = new LocalService(name, server, typeof address === 'object' ? (address?.port ?? 0) : 0)
    server.on('request', (request, response) => {
      // The sender may go away in the middle of its body.
      service.take(request, response, answer).catch(() => response.destroy())
    })
    return service
  }

  /** The first arrival, past or future, for which `wanted` gives something; undefined after `withinMs`. */
  arrival<T>(wanted: (arrived: Arrived) => T | undefined, withinMs: number): Promise<T | undefined> {
    return new Promise((resolve) => {
      const end = (value: T | undefined): void => {
        this.waiting.delete(look)
        clearTimeout(timer)
        resolve(value)
      }
      const look = (): void => {
        for (const arrived of this.arrived) {
          const value = wanted(arrived)
          if (value !== undefined) return end(value)
        }
      }
      const timer = setTimeout(() => end(undefined), withinMs)
      this.waiting.add(look)
      look()
    })
  }

  async close(): Promise<void> {
    const closed = once(this.server, 'close')
    this.server.close()
    this.server.closeAllConnections()
    await closed
  }

  private async take(
    request: IncomingMessage,
    response: ServerResponse,
    answer: (arrived: Arrived) => Answer,
  ): Promise<void> {
    const headers = Object.fromEntries(Object.entries(request.headersDistinct).map(([name, all]) => [name, all ?? []]))
    const { method = '', url: path = '' } = request
    const arrived = { method, path, headers, body: await buffer(request) }
    const reply = answer(arrived)
    response.writeHead(reply.status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(reply.body))
    if (reply.keep === false) return
    this.keep(arrived)
    this.onAnswer?.(arrived, reply)
  }

  private keep(arrived: Arrived): void {
    this.arrived.push(arrived)
    if (this.arrived.length > KEPT_MAX) this.arrived.shift()
    for (const look of this.waiting) look()
  }
}

async function listen(server: Server, port: number): Promise<void> {
  server.listen(port, HOST)
  await once(server, 'listening')
}
