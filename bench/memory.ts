/** `node bench/memory.ts`: resident memory of Postern with a configuration the size of the demo's, idle for five seconds. */
import { setTimeout as sleep } from 'node:timers/promises'
import { residentBytes } from './accounting.ts'
import { runBenchmark } from './machine.ts'
import { startPostern } from './peers/postern.ts'
import { end, temporaryFolder } from './processes.ts'
import { figure, verdictLine } from './table.ts'

const IDLE_MS = 5000
const MEGABYTES_MAX = 150

/** The demo's shop; nothing listens behind its services, as nothing is asked for either. */
const SHOP = `services:
  profiles: { instances: [http://127.0.0.1:9001] }
  cart: { instances: [{ url: http://127.0.0.1:9002, weight: 3 }, { url: http://127.0.0.1:9012 }] }
  payments: { instances: [http://127.0.0.1:9003] }
consumers:
  mobile-app: { credentials: [{ api-key: bench-4f9c1e7a2b }] }
routes:
  profile:
    match: { path: /user/*, methods: [GET] }
    policies: [key-auth, { rate-limit: { limit: 100, per: 1m, by: consumer } }]
    proxy: profiles
  cart-add:
    match: { path: /cart/add, methods: [POST] }
    policies: [key-auth]
    proxy: cart
  stripe:
    match: { path: /hooks/stripe, methods: [POST] }
    ingest: stripe
sources:
  stripe:
    provider: stripe
    secrets: [whsec_YmVuY2gtNGY5YzFlN2EyYi1iZW5jaA]
    deliver: [{ service: payments, path: /stripe-events, events: [payment_intent.succeeded] }]`

async function main(): Promise<void> {
  const { launched } = await startPostern(temporaryFolder(), SHOP)
  await sleep(IDLE_MS)
  const megabytes = residentBytes([launched.pid]) / 1024 / 1024
  await end(launched)
  const json = process.argv.includes('--json')
  const verdict = {
    target: `resident memory when idle ≤ ${MEGABYTES_MAX} MB`,
    met: megabytes <= MEGABYTES_MAX,
    measured: `${figure(megabytes, 0)} MB`,
  }
  process.stdout.write(
    json ? `${JSON.stringify({ megabytes, verdicts: [verdict] }, null, 2)}\n` : `${verdictLine(verdict)}\n`,
  )
}

await runBenchmark(main)
