/** One measured stretch of publishing: from the first event sent to the last one delivered and on record, with its ledger. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Webhook } from 'standardwebhooks'
import { z } from 'zod'
import { cpuMicros } from './accounting.ts'
import type { RunningPlatform } from './peers/webhook-peer.ts'
import type { Launched } from './processes.ts'
import { parseSummary, startLoad } from './loads/wrk.ts'

const CONNECTIONS = 64
/** What the receiver's `/books` answers. */
const BOOKS = z.object({
  unique: z.number(),
  repeated: z.number(),
  p50Ms: z.number(),
  p99Ms: z.number(),
  firstSentAt: z.number(),
  samples: z.array(z.object({ headers: z.record(z.string(), z.string()), body: z.string() })),
  last: z.array(z.string()),
})

/** Nothing new for so long means that what is missing does not come. */
const STALLED_MS = 15_000

export interface Publishing {
  readonly seconds: number
  /** 0: as fast as answers come. */
  readonly perSecond: number
}

export interface PublishResult {
  /** Answered 2xx. */
  readonly accepted: number
  /** Accepted and never delivered. */
  readonly lost: number
  /** Delivered more than once: allowed (at least once), and worth knowing. */
  readonly repeated: number
  /** Refused or broken publishes, and samples whose signature is wrong. */
  readonly errors: number
  /** Accepted, over the time until the last one was on record. */
  readonly eventsPerSecond: number
  readonly cpuMicrosPerEvent: number
  /** From the publisher's send to the receiver, ms. */
  readonly p50Ms: number
  readonly p99Ms: number
}

export async function publishAndWait(
  platform: RunningPlatform,
  receiver: string,
  { seconds, perSecond }: Publishing,
): Promise<PublishResult> {
  await fetch(`${receiver}/reset`)
  const cpuBefore = cpuMicros(platform.pids)
  const wrk = startLoad({
    url: platform.publishUrl,
    headers: platform.headers,
    connections: CONNECTIONS,
    // The script ends the publishing; wrk itself stays until it is interrupted, so that no answer is missed.
    seconds: 3600,
    publish: [seconds, perSecond, CONNECTIONS].map(String),
  })
  const sent = await untilSent(wrk)
  await untilDelivered(receiver, sent)
  const books = await get(`${receiver}/books`, BOOKS)
  const recordedAt = await untilRecorded(platform, books.last)
  const cpu = cpuMicros(platform.pids) - cpuBefore
  wrk.child.kill('SIGINT')
  await wrk.exited
  const summary = parseSummary(wrk.output())
  const accepted = summary.requests - summary.refused
  return {
    accepted,
    lost: Math.max(0, accepted - books.unique),
    repeated: books.repeated,
    errors: summary.refused + (sent - summary.requests) + wrongSignatures(books, platform.secret),
    eventsPerSecond: (1000 * accepted) / (recordedAt - books.firstSentAt),
    cpuMicrosPerEvent: cpu / accepted,
    p50Ms: books.p50Ms,
    p99Ms: books.p99Ms,
  }
}

/** How many the script says it sent, once it has sent all. */
async function untilSent(wrk: Launched): Promise<number> {
  for (;;) {
    const sent = /^sent (\d+)$/m.exec(wrk.output())?.[1]
    if (sent !== undefined) return Number(sent)
    if (wrk.child.exitCode !== null) throw new Error(`wrk ended early:\n${wrk.output().trim()}`)
    await sleep(20)
  }
}

async function untilDelivered(receiver: string, expected: number): Promise<void> {
  let count = -1
  let lastNews = performance.now()
  while (count < expected && performance.now() - lastNews < STALLED_MS) {
    const { unique } = await get(`${receiver}/count`, BOOKS.pick({ unique: true }))
    if (unique > count) lastNews = performance.now()
    count = unique
    await sleep(20)
  }
}

/** When it was found on record, ms since the epoch. */
async function untilRecorded(platform: RunningPlatform, lastIds: readonly string[]): Promise<number> {
  const deadline = performance.now() + STALLED_MS
  while (!(await platform.recorded(lastIds))) {
    if (performance.now() > deadline) throw new Error('delivered, but not on record')
    await sleep(20)
  }
  return Date.now()
}

function wrongSignatures(books: z.infer<typeof BOOKS>, secret: string): number {
  const webhook = new Webhook(secret)
  return books.samples.filter(({ headers, body }) => {
    try {
      webhook.verify(body, headers)
      return false
    } catch {
      return true
    }
  }).length
}

async function get<T>(url: string, schema: z.ZodType<T>): Promise<T> {
  return schema.parse(await (await fetch(url)).json())
}
