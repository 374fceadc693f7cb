/**
 * Ends the product in the middle of its work, again and again, on one store, and holds the ledger against it: what was answered 2xx
 * is delivered. `node test/chaos/crash.ts --rounds 50 --seed 7` prints what came of every round.
 */
import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Admin, eventually } from '../e2e/support/admin.ts'
import { type Answer, Receiver, type Taken } from '../e2e/support/receiver.ts'
import { type Running, startPostern } from '../support/postern.ts'
import { type TempFolder, tempFolder } from '../support/temp.ts'
import { Ledger, type Receipt, type Tally } from './ledger.ts'
import { Load, SOURCE_SECRET } from './load.ts'

/** `kill`: as `kill -9` does. `kill-twice`: once more while it recovers. `stop`: asked to, by SIGTERM. */
export type Ending = 'kill' | 'kill-twice' | 'stop'

export interface Round extends Tally {
  readonly ending: Ending
  /** From the beginning of the load to its end. */
  readonly loadMs: number
  /** From the last start until nothing was owed and nothing was waiting. */
  readonly recoveryMs: number
}

/** A round sends no more than this, so that what is owed can be delivered soon. */
const REQUESTS_MAX = 6_000
/** A load lasts between these. */
const LOAD_MS = { min: 200, max: 1_500 }
/** The receivers take up to this long to answer, so that deliveries queue up and many are under way at any moment. */
const ANSWER_MS_MAX = 300
/** How many of a hundred attempts the receivers refuse: those wait for their retry when the end comes. */
const REFUSED_PERCENT = 10
/** Into the recovery, for the second end of `kill-twice`: nothing of the first process's is anybody else's yet. */
const SECOND_KILL_MS = 1_000
/** The leases of a dead process are free after 5 s of silence; then everything that is owed must come. A guard, no measurement. */
const RECOVERY_MS_MAX = 60_000

export class Chaos {
  private readonly folder: TempFolder
  private readonly receiver: Receiver
  private readonly yaml: string
  /** Decides when a load ends. */
  private readonly random: () => number
  /** Null between an end and the next start, and after a round that failed there. */
  private running: Running | null
  private admin: Admin
  private rounds = 0

  private constructor(folder: TempFolder, receiver: Receiver, running: Running, admin: Admin, seed: number) {
    this.folder = folder
    this.receiver = receiver
    this.running = running
    this.admin = admin
    this.yaml = configuration(receiver.url)
    this.random = randomOf(seed)
  }

  static async start(seed: number): Promise<Chaos> {
    const [folder, receiver] = [await tempFolder(), await Receiver.start()]
    const running = await startPostern(configuration(receiver.url), { folder: folder.path })
    const admin = await Admin.of(running)
    await admin.svix.application.create({ name: 'partner', uid: 'partner' })
    await admin.svix.endpoint.create('partner', { url: receiver.at('/partner').url })
    return new Chaos(folder, receiver, running, admin, seed)
  }

  /** Loads, ends, starts again, and waits until everything that is owed has come. Rejects when it does not; faults are the ledger's. */
  async round(ending: Ending): Promise<{ readonly round: Round; readonly faults: readonly string[] }> {
    const ledger = new Ledger()
    for (const path of ['/partner', '/hooked', '/import']) this.receiver.at(path, (_, taken) => receive(ledger, taken))
    const running = (this.running ??= await this.restart())
    const target = { gateway: running.gateway[0]!, admin: running.admin, token: this.admin.token }
    const load = new Load(target, ledger, `${++this.rounds}`, REQUESTS_MAX)
    const loadMs = Math.round(LOAD_MS.min + this.random() * (LOAD_MS.max - LOAD_MS.min))
    await sleep(loadMs)
    const loadEnded = load.end()
    this.running = null
    await (ending === 'stop' ? running.stop() : running.kill())
    const endedAt = [Date.now()]
    await loadEnded
    if (ending === 'kill-twice') {
      const recovering = await this.restart()
      await sleep(SECOND_KILL_MS)
      await recovering.kill()
      endedAt.push(Date.now())
    }

    this.running = await this.restart()
    const restarted = performance.now()
    const inbox = this.receiver.at('/partner')
    await inbox.untilTrue(() => ledger.missing === 0, 'everything that is owed', RECOVERY_MS_MAX)
    await eventually(
      () => this.admin.stats(),
      ({ deliveries }) => deliveries['pending'] === 0 && deliveries['delivering'] === 0,
      'nothing waits any more',
      RECOVERY_MS_MAX,
    )
    const recoveryMs = Math.round(performance.now() - restarted)
    return { round: { ending, loadMs, recoveryMs, ...ledger.close(endedAt) }, faults: ledger.faults }
  }

  private async restart(): Promise<Running> {
    const running = await startPostern(this.yaml, { folder: this.folder.path })
    this.admin = this.admin.at(running)
    return running
  }

  async close(): Promise<void> {
    await this.receiver.close()
    await this.running?.discard()
    await this.folder.remove()
  }
}

/** A receiver as they are: slow, and now and then out of order. What it refuses it has not taken. */
async function receive(ledger: Ledger, { headers, body, at }: Taken): Promise<Answer> {
  const refused = Math.random() * 100 < REFUSED_PERCENT
  const id = String(headers['webhook-id'] ?? headers['postern-message-id'])
  const receipt: Receipt = { id, at, answeredAt: Number.POSITIVE_INFINITY }
  const text = body.toString()
  if (!refused) ledger.receive(String(JSON.parse(text).key), receipt, text)
  await sleep(Math.random() * ANSWER_MS_MAX)
  receipt.answeredAt = Date.now()
  return { status: refused ? 503 : 200 }
}

const configuration = (service: string): string => `
listeners: [{ address: 127.0.0.1:0 }]
admin: { address: 127.0.0.1:0 }
threads: 1
access-log: off
egress: { allow: [127.0.0.0/8] }
delivery: { schedule: [${Array.from({ length: 20 }, () => '1s').join(', ')}] }
services:
  up: ${service}
routes:
  hooks: { match: { path: /hooks, methods: [POST] }, ingest: github }
  import: { match: { path: /import, methods: [POST] }, durable: up }
sources:
  github: { provider: github, secrets: ["${SOURCE_SECRET}"], deliver: [{ service: up, path: /hooked }] }
`

/** Numbers from 0 to 1 that a seed repeats: a linear congruential generator with the constants of Numerical Recipes. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** A round in one line. */
export function described(round: Round): string {
  const { ending, loadMs, sent, accepted, owed, delivered, underWay, repeated, recoveryMs } = round
  return (
    `${ending} after ${loadMs} ms: ${sent} sent, ${accepted} accepted, ${owed} owed and ${underWay} under way at the end; ` +
    `${delivered} delivered, ${repeated} once more; recovered in ${recoveryMs} ms`
  )
}

async function run(rounds: number, seed: number): Promise<void> {
  console.log(`seed ${seed}`)
  const chaos = await Chaos.start(seed)
  const totals = { accepted: 0, repeated: 0, faults: 0 }
  try {
    for (let i = 1; i <= rounds; i++) {
      const { round, faults } = await chaos.round(i % 5 === 0 ? 'kill-twice' : 'kill')
      console.log(`${i}/${rounds} ${described(round)}`)
      for (const fault of faults) console.log(`  ${fault}`)
      totals.accepted += round.accepted
      totals.repeated += round.repeated
      totals.faults += faults.length
    }
  } finally {
    await chaos.close()
  }
  console.log(`${totals.accepted} accepted, none lost, ${totals.repeated} delivered once more, ${totals.faults} faults`)
  if (totals.faults > 0) process.exitCode = 1
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { rounds: { type: 'string', default: '50' }, seed: { type: 'string' } } })
  await run(Number(values.rounds), values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed))
}
