/** `npm run bench:gateway`: what Postern costs beside its peers, one work after the other, each server on one core in turn. */
import { reportGateways } from './gateway-report.ts'
import { note, requirePackages, requirePrograms, requireTwoCores, runBenchmark, watchConditions } from './machine.ts'
import { readOptions, select } from './options.ts'
import { largeBodies } from './works/bodies.ts'
import { bodyMemory } from './works/body-memory.ts'
import { idleConnections } from './works/idle.ts'
import { latency } from './works/latency.ts'
import { proxy } from './works/proxy.ts'
import { reloads } from './works/reloads.ts'
import type { Section } from './works/section.ts'
import { handshakes, http2, tls } from './works/tls.ts'
import type { Work } from './works/work.ts'

const WORKS: readonly Work[] = [
  proxy,
  latency,
  tls,
  handshakes,
  http2,
  ...largeBodies,
  ...bodyMemory,
  ...idleConnections,
  reloads,
]

async function main(): Promise<void> {
  const peers = WORKS.flatMap((work) => work.peers)
  const names = [...new Set([...WORKS, ...peers].map(({ name }) => name))].map((name) => ({ name }))
  const options = readOptions('npm run bench:gateway --', { rounds: 5, seconds: 3 }, names)
  if (options === null) return
  requireTwoCores()
  requirePrograms(['nginx', 'wrk', 'h2load', 'openssl'])
  requirePackages()
  const wanted = new Set(select(peers, options.only).map(({ name }) => name))
  const conditions = watchConditions()
  const sections: Section[] = []
  for (const work of select(WORKS, options.only)) {
    if (!work.peers.some(({ name }) => wanted.has(name))) continue
    note(work.name)
    sections.push(await work.run({ ...options, wants: ({ name }) => wanted.has(name) }))
  }
  reportGateways(sections, conditions(), options.json)
  if (sections.some(({ rows }) => rows.some(({ broken }) => broken === true))) process.exitCode = 1
}

await runBenchmark(main)
