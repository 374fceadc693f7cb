/** `npm run bench:webhooks`: events a second accepted durably, signed, delivered and recorded, beside BullMQ + undici. */
import { join } from 'node:path'
import { note, requirePackages, requirePrograms, requireTwoCores, runBenchmark, watchConditions } from './machine.ts'
import { readOptions, select, turns } from './options.ts'
import { bullmq, bullmqDurable, bullmqPipelining } from './peers/bullmq.ts'
import { posternWebhooks } from './peers/postern-webhooks.ts'
import type { RunningPlatform, WebhookPeer } from './peers/webhook-peer.ts'
import { freePort, launch, temporaryFolder, untilListening } from './processes.ts'
import { publishAndWait } from './publish.ts'
import { figure } from './table.ts'
import { PACED_PER_SECOND, reportPlatforms } from './webhooks-report.ts'
import type { WebhookEntrant, WebhookRound } from './webhooks-report.ts'

const PEERS: readonly WebhookPeer[] = [posternWebhooks, bullmq, bullmqPipelining, bullmqDurable]
/** Until the code that runs is the code that V8 has optimised. */
const WARM_UP_SECONDS = 6
const PACED_SECONDS = 2

interface Entrant extends WebhookEntrant {
  readonly platform: RunningPlatform
  readonly rounds: WebhookRound[]
}

async function main(): Promise<void> {
  const options = readOptions('npm run bench:webhooks --', { rounds: 3, seconds: 4 }, PEERS)
  if (options === null) return
  const peers = select(PEERS, options.only)
  requireTwoCores()
  requirePrograms(['redis-server', 'wrk'])
  requirePackages()
  const receiver = await startReceiver()
  const entrants = await start(peers, `${receiver}/hook`)
  const publish = (platform: RunningPlatform, seconds: number, perSecond: number) =>
    publishAndWait(platform, receiver, { seconds, perSecond })
  for (const { name, platform } of entrants) {
    note(`warm-up: ${name}`)
    await publish(platform, WARM_UP_SECONDS, 0)
  }
  const conditions = watchConditions()
  for (let round = 0; round < options.rounds; round++) {
    for (const { name, platform, rounds } of turns(entrants, round)) {
      const full = await publish(platform, options.seconds, 0)
      const paced = await publish(platform, PACED_SECONDS, PACED_PER_SECOND)
      rounds.push({ full, paced })
      note(`round ${round + 1}/${options.rounds}: ${name} ${figure(full.eventsPerSecond, 0)} events/s`)
    }
  }
  reportPlatforms(entrants, conditions(), options.json)
}

async function startReceiver(): Promise<string> {
  const port = await freePort()
  const launched = launch(process.execPath, [join(import.meta.dirname, 'receiver.ts'), `${port}`])
  await untilListening(launched, 'receiver', port)
  return `http://127.0.0.1:${port}`
}

async function start(peers: readonly WebhookPeer[], receiverUrl: string): Promise<readonly Entrant[]> {
  const entrants: Entrant[] = []
  for (const peer of peers) {
    const platform = await peer.start(temporaryFolder(), receiverUrl)
    entrants.push({ name: peer.name, platform, rounds: [] })
  }
  return entrants
}

await runBenchmark(main)
