/** Load by h2load: HTTP/2 over TLS in one thread, its summary read as data. */
import { LOAD_CORE } from '../machine.ts'
import { launch } from '../processes.ts'

export interface Http2Load {
  readonly url: string
  readonly connections: number
  /** At once on each connection. */
  readonly streams: number
  readonly seconds: number
}

export interface Http2Summary {
  /** Answered, whatever the status. */
  readonly requests: number
  readonly perSecond: number
  /** Failed, timed out, or answered outside 2xx. */
  readonly errors: number
}

export async function runHttp2({ url, connections, streams, seconds }: Http2Load): Promise<Http2Summary> {
  const shape = ['-t', '1', '-c', `${connections}`, '-m', `${streams}`, '-D', `${seconds}`]
  const launched = launch('h2load', [...shape, url], LOAD_CORE)
  await launched.exited
  return parseHttp2(launched.output())
}

/** Throws, with what h2load said, when it has no summary or did not speak HTTP/2. */
export function parseHttp2(output: string): Http2Summary {
  const number = (pattern: RegExp) => Number(pattern.exec(output)?.[1])
  const requests = number(/^requests: .* (\d+) done/m)
  const ok = number(/^status codes: (\d+) 2xx/m)
  const perSecond = number(/^finished in .*, ([\d.]+) req\/s/m)
  const failed = number(/^requests: .* (\d+) failed/m)
  if (![requests, ok, perSecond, failed].every(Number.isFinite) || !/^Application protocol: h2$/m.test(output)) {
    throw new Error(`h2load: no HTTP/2:\n${output.trim()}`)
  }
  return { requests, perSecond, errors: failed + (requests - ok) }
}
