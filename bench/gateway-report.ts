/** Sums up the rounds of the gateway benchmark and says whether the targets are met. */
import { conditionsLine } from './machine.ts'
import type { Conditions } from './machine.ts'
import { fastify, fastifySilent } from './peers/fastify.ts'
import type { GatewayPeer } from './peers/gateway-peer.ts'
import { nginx } from './peers/nginx.ts'
import { posternPolicies } from './peers/postern.ts'
import { median, medianRatio } from './statistics.ts'
import { figure, table, verdictLine } from './table.ts'
import type { Verdict } from './table.ts'

/** One server's turn in one round. */
export interface GatewayRound {
  readonly requestsPerSecond: number
  /** User and system time of the server's processes. */
  readonly cpuMicrosPerRequest: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Requests refused or broken; any makes the server's row invalid. */
  readonly errors: number
}

export interface GatewayEntrant {
  readonly name: string
  readonly rounds: readonly GatewayRound[]
}

/** Targets for key-auth + rate-limit, as ratios of CPU per request. */
const TO_NGINX_MAX = 1.6
const BELOW_FASTIFY_MIN = 4

/** Prints to stdout: a table and verdicts, or one JSON document. */
export function reportGateways(entrants: readonly GatewayEntrant[], conditions: Conditions, json: boolean): void {
  const base = entrants.find(({ name }) => name === nginx.name)
  const servers = entrants.map(({ name, rounds }) => {
    const over = (pick: (round: GatewayRound) => number) => median(rounds.map(pick))
    return {
      name,
      requestsPerSecond: over((round) => round.requestsPerSecond),
      cpuMicrosPerRequest: over((round) => round.cpuMicrosPerRequest),
      cpuToNginx: cpuRatio(rounds, base?.rounds),
      p50Ms: over((round) => round.p50Ms),
      p99Ms: over((round) => round.p99Ms),
      errors: rounds.reduce((sum, round) => sum + round.errors, 0),
      rounds,
    }
  })
  const verdicts = judge(entrants)
  if (json) {
    process.stdout.write(`${JSON.stringify({ conditions, servers, verdicts }, null, 2)}\n`)
    return
  }
  const titles = ['server', 'requests/s', 'CPU µs/request', 'CPU to nginx', 'p50 ms', 'p99 ms', 'errors']
  const rows = servers.map((server) => ({
    cells: [
      server.errors > 0 ? `${server.name} (invalid)` : server.name,
      figure(server.requestsPerSecond, 0),
      figure(server.cpuMicrosPerRequest, 1),
      figure(server.cpuToNginx, 2),
      figure(server.p50Ms, 2),
      figure(server.p99Ms, 2),
      figure(server.errors, 0),
    ],
    invalid: server.errors > 0,
  }))
  process.stdout.write(
    `\n${table(titles, rows)}\n\n${verdicts.map(verdictLine).join('\n')}\n\n${conditionsLine(conditions)}\n`,
  )
}

function judge(entrants: readonly GatewayEntrant[]): readonly Verdict[] {
  const roundsOf = (peer: { readonly name: string }) => entrants.find(({ name }) => name === peer.name)?.rounds
  const ours = roundsOf(posternPolicies)
  const toNginx = cpuRatio(ours, roundsOf(nginx))
  const belowFastify = (peer: GatewayPeer): Verdict => {
    const ratio = cpuRatio(roundsOf(peer), ours)
    return {
      target: `CPU per request with key-auth + rate-limit ≥ ${BELOW_FASTIFY_MIN} × less than ${peer.name}`,
      met: Number.isNaN(ratio) ? null : ratio >= BELOW_FASTIFY_MIN,
      measured: `${figure(ratio, 2)} × less`,
    }
  }
  return [
    {
      target: `CPU per request with key-auth + rate-limit ≤ ${TO_NGINX_MAX} × nginx`,
      met: Number.isNaN(toNginx) ? null : toNginx <= TO_NGINX_MAX,
      measured: `${figure(toNginx, 2)} ×`,
    },
    belowFastify(fastify),
    belowFastify(fastifySilent),
  ]
}

/** Median of the ratios round by round; NaN unless both were measured without an error. */
function cpuRatio(rounds: readonly GatewayRound[] | undefined, base: readonly GatewayRound[] | undefined): number {
  if (rounds === undefined || base === undefined) return Number.NaN
  if ([...rounds, ...base].some((round) => round.errors > 0)) return Number.NaN
  const cpu = (round: GatewayRound) => round.cpuMicrosPerRequest
  return medianRatio(rounds.map(cpu), base.map(cpu))
}
