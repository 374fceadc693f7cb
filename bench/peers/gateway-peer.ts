/** What every gateway in the comparison is to the benchmark: something to start in front of the upstream. */
import type { Launched } from '../processes.ts'

export interface Ground {
  /** A folder of the peer's own. */
  readonly folder: string
  readonly upstreamPort: number
}

export interface RunningGateway {
  readonly launched: Launched
  readonly origin: string
  /** What a request carries to be let through. */
  readonly headers: Readonly<Record<string, string>>
  /** What a request carries that must be answered 401; absent for a gateway without policies. */
  readonly refusedHeaders?: Readonly<Record<string, string>>
}

export interface GatewayPeer {
  readonly name: string
  /** Starts it pinned to the server's core; resolves when it accepts connections. */
  start(ground: Ground): Promise<RunningGateway>
}
