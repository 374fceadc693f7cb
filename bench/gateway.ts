/** `npm run bench:gateway`: CPU per request of Postern beside nginx, HAProxy and @fastify/http-proxy, each on one core in turn. */
import { cpuMicros } from './accounting.ts'
import { reportGateways } from './gateway-report.ts'
import type { GatewayEntrant, GatewayRound } from './gateway-report.ts'
import {
  LOAD_CORE,
  note,
  requirePackages,
  requirePrograms,
  requireTwoCores,
  runBenchmark,
  watchConditions,
} from './machine.ts'
import { readOptions, select, turns } from './options.ts'
import { checkParity } from './parity.ts'
import { fastify, fastifySilent } from './peers/fastify.ts'
import type { GatewayPeer, RunningGateway } from './peers/gateway-peer.ts'
import { haproxy } from './peers/haproxy.ts'
import { nginx, startUpstream } from './peers/nginx.ts'
import { posternPlain, posternPolicies } from './peers/postern.ts'
import { temporaryFolder } from './processes.ts'
import { figure } from './table.ts'
import { runLoad } from './wrk.ts'

const PEERS: readonly GatewayPeer[] = [nginx, haproxy, posternPlain, posternPolicies, fastify, fastifySilent]
const CONNECTIONS = 64
const WARM_UP_SECONDS = 3

interface Entrant extends GatewayEntrant {
  readonly running: RunningGateway
  readonly rounds: GatewayRound[]
}

async function main(): Promise<void> {
  const options = readOptions('npm run bench:gateway --', { rounds: 5, seconds: 4 })
  if (options === null) return
  const peers = select(PEERS, options.only)
  requireTwoCores()
  requirePrograms(['nginx', 'haproxy', 'wrk'])
  requirePackages()
  const entrants = await start(peers)
  await checkParity(entrants)
  for (const { name, running } of entrants) {
    note(`warm-up: ${name}`)
    await measure(running, WARM_UP_SECONDS)
  }
  const conditions = watchConditions()
  for (let round = 0; round < options.rounds; round++) {
    for (const { name, running, rounds } of turns(entrants, round)) {
      const result = await measure(running, options.seconds)
      rounds.push(result)
      note(`round ${round + 1}/${options.rounds}: ${name} ${figure(result.cpuMicrosPerRequest, 1)} µs`)
    }
  }
  reportGateways(entrants, conditions(), options.json)
}

async function start(peers: readonly GatewayPeer[]): Promise<readonly Entrant[]> {
  const upstream = await startUpstream(temporaryFolder())
  const entrants: Entrant[] = []
  for (const peer of peers) {
    const running = await peer.start({ folder: temporaryFolder(), upstreamPort: upstream.port })
    entrants.push({ name: peer.name, running, rounds: [] })
  }
  return entrants
}

async function measure({ launched, origin, headers }: RunningGateway, seconds: number): Promise<GatewayRound> {
  const before = cpuMicros([launched.pid])
  const url = `${origin}/user/profile?lang=en`
  const load = await runLoad({ url, headers, connections: CONNECTIONS, seconds, core: LOAD_CORE })
  return {
    requestsPerSecond: load.requests / load.seconds,
    cpuMicrosPerRequest: (cpuMicros([launched.pid]) - before) / load.requests,
    p50Ms: load.p50Ms,
    p99Ms: load.p99Ms,
    errors: load.refused + load.broken,
  }
}

await runBenchmark(main)
