/** Sums up the rounds of the webhook benchmark, shows the ledger, and says whether the targets are met. */
import { conditionsLine } from './machine.ts'
import type { Conditions } from './machine.ts'
import { bullmq, bullmqDurable, bullmqPipelining } from './peers/bullmq.ts'
import type { WebhookPeer } from './peers/webhook-peer.ts'
import { posternWebhooks } from './peers/postern-webhooks.ts'
import type { PublishResult } from './publish.ts'
import { median, medianRatio } from './statistics.ts'
import { figure, table, verdictLine } from './table.ts'
import type { Verdict } from './table.ts'

/** Slow enough that no platform here queues: what is left is the way itself. */
export const PACED_PER_SECOND = 500

/** One platform's turn in one round. */
export interface WebhookRound {
  /** Published as fast as answers came. */
  readonly full: PublishResult
  readonly paced: PublishResult
}

export interface WebhookEntrant {
  readonly name: string
  readonly rounds: readonly WebhookRound[]
}

const TO_BULLMQ_MIN = 3

/** Prints to stdout: tables and verdicts, or one JSON document. */
export function reportPlatforms(entrants: readonly WebhookEntrant[], conditions: Conditions, json: boolean): void {
  const base = entrants.find(({ name }) => name === bullmq.name)
  const platforms = entrants.map((entrant) => summarize(entrant, base))
  const verdicts = [bullmq, bullmqPipelining, bullmqDurable].map((peer) => judge(entrants, peer))
  if (json) {
    const document = { conditions, platforms, verdicts }
    process.stdout.write(`${JSON.stringify(document, null, 2)}\n`)
    return
  }
  const speed = platforms.map(({ name, invalid, ...platform }) => ({
    cells: [
      invalid ? `${name} (invalid)` : name,
      figure(platform.eventsPerSecond, 0),
      figure(platform.toBullmq, 2),
      figure(platform.cpuMicrosPerEvent, 0),
      latencies(platform.pacedMs),
      latencies(platform.fullMs),
    ],
    invalid,
  }))
  const ledger = platforms.map(({ name, invalid, ...platform }) => ({
    cells: [name, ...[platform.accepted, platform.lost, platform.repeated, platform.errors].map((n) => figure(n, 0))],
    invalid,
  }))
  const paced = `p50 / p99 ms at ${PACED_PER_SECOND}/s`
  const titles = ['platform', 'events/s', 'to BullMQ', 'CPU µs/event', paced, 'p50 / p99 ms at full load']
  const tables = [table(titles, speed), table(['ledger', 'accepted', 'lost', 'repeated', 'errors'], ledger)]
  process.stdout.write(
    `\n${[...tables, verdicts.map(verdictLine).join('\n'), conditionsLine(conditions)].join('\n\n')}\n`,
  )
}

function summarize({ name, rounds }: WebhookEntrant, base: WebhookEntrant | undefined) {
  const over = (pick: (round: WebhookRound) => number) => median(rounds.map(pick))
  const sum = (pick: (result: PublishResult) => number) =>
    rounds.reduce((total, { full, paced }) => total + pick(full) + pick(paced), 0)
  const latency = (pick: (round: WebhookRound) => PublishResult) =>
    [over((round) => pick(round).p50Ms), over((round) => pick(round).p99Ms)] as const
  return {
    name,
    eventsPerSecond: over(({ full }) => full.eventsPerSecond),
    toBullmq: speedRatio(rounds, base?.rounds),
    cpuMicrosPerEvent: over(({ full }) => full.cpuMicrosPerEvent),
    /** p50 and p99 from the publisher's send to the receiver, ms. */
    pacedMs: latency(({ paced }) => paced),
    /** The same with everything the platform can take: mostly the time spent waiting in its queue. */
    fullMs: latency(({ full }) => full),
    accepted: sum(({ accepted }) => accepted),
    lost: sum(({ lost }) => lost),
    repeated: sum(({ repeated }) => repeated),
    errors: sum(({ errors }) => errors),
    invalid: !rounds.every(sound),
    rounds,
  }
}

function latencies([p50, p99]: readonly [number, number]): string {
  return `${figure(p50, 1)} / ${figure(p99, 1)}`
}

function judge(entrants: readonly WebhookEntrant[], peer: WebhookPeer): Verdict {
  const roundsOf = (one: WebhookPeer) => entrants.find(({ name }) => name === one.name)?.rounds
  const ratio = speedRatio(roundsOf(posternWebhooks), roundsOf(peer))
  return {
    target: `events a second ≥ ${TO_BULLMQ_MIN} × ${peer.name}`,
    met: Number.isNaN(ratio) ? null : ratio >= TO_BULLMQ_MIN,
    measured: `${figure(ratio, 2)} ×`,
  }
}

/** Median of the ratios round by round; NaN unless both were measured and every round was sound. */
function speedRatio(rounds: readonly WebhookRound[] | undefined, base: readonly WebhookRound[] | undefined): number {
  if (rounds === undefined || base === undefined || ![...rounds, ...base].every(sound)) return Number.NaN
  const speed = ({ full }: WebhookRound) => full.eventsPerSecond
  return medianRatio(rounds.map(speed), base.map(speed))
}

/** Nothing refused, nothing lost, every sampled signature right. */
function sound({ full, paced }: WebhookRound): boolean {
  return [full, paced].every(({ lost, errors }) => lost === 0 && errors === 0)
}
