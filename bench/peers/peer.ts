/** What every gateway in the comparison is to the benchmark: something to start in front of the upstream. */
import type { Certificate } from '../certificate.ts'
import type { Program } from '../machine.ts'
import type { Launched } from '../processes.ts'

export interface Ground {
  /** A folder of the peer's own. */
  readonly folder: string
  readonly upstream: Upstream
  /** When given, the peer speaks TLS with it, and HTTP/2 to whoever asks for that. */
  readonly certificate?: Certificate
}

export interface Upstream {
  readonly launched: Launched
  readonly port: number
}

export interface Running {
  readonly launched: Launched
  readonly origin: string
  /** What a request carries to be let through. */
  readonly headers: Readonly<Record<string, string>>
  /** What a request carries that must be answered 401; absent for a gateway without policies. */
  readonly refusedHeaders?: Readonly<Record<string, string>>
  /** Puts another configuration in force, a different one each time; resolves when it serves. */
  reload?(): Promise<void>
}

export interface Peer {
  readonly name: string
  /** What has to be on the machine, besides what every peer needs. */
  readonly programs?: readonly Program[]
  /** Starts it pinned to the server's core; resolves when it accepts connections. */
  start(ground: Ground): Promise<Running>
}
