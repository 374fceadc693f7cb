/**
 * The few signatures of the peers' packages that are called here. They stand in for the packages' own types, so that the
 * repository type-checks without having installed what only the benchmarks need.
 */
declare module 'fastify' {
  interface Server {
    register<O>(plugin: (server: Server, options: O) => Promise<void>, options: O): Promise<void>
    listen(options: { host: string; port: number }): Promise<string>
  }
  export function fastify(options: { logger: false | { file: string } }): Server
}

declare module '@fastify/http-proxy' {
  import type { Server } from 'fastify'
  export function fastifyHttpProxy(server: Server, options: { upstream: string }): Promise<void>
}

declare module 'bullmq' {
  interface Connection {
    host: string
    port: number
    enableAutoPipelining?: boolean
    maxRetriesPerRequest: null
  }
  interface JobOptions {
    jobId?: string
    attempts: number
    backoff: { type: 'exponential'; delay: number }
    removeOnComplete: boolean
  }
  export class Queue<D> {
    constructor(name: string, options: { connection: Connection; defaultJobOptions: JobOptions })
    add(name: string, data: D, options?: { jobId: string }): Promise<unknown>
    getJobCountByTypes(...states: string[]): Promise<number>
  }
  export class Worker<D> {
    constructor(
      name: string,
      process: (job: { data: D }) => Promise<void>,
      options: { connection: Connection; concurrency: number },
    )
    on(event: 'error', listener: (error: Error) => void): this
  }
}

declare module 'http-proxy' {
  import type { Agent, Server } from 'node:http'
  const httpProxy: { createProxyServer(options: { target: string; agent: Agent }): Pick<Server, 'listen'> }
  export = httpProxy
}

declare module 'undici' {
  import type { IncomingMessage } from 'node:http'
  import type { Readable } from 'node:stream'
  type Values = Record<string, string | string[] | undefined>
  export class Pool {
    constructor(origin: string, options?: { connections: number; pipelining: number })
    request(options: {
      path: string
      method: string
      headers: Values
      body: string | IncomingMessage | null
    }): Promise<{ statusCode: number; headers: Values; body: Readable & { dump(): Promise<void> } }>
  }
}
