/** Watches our own gateway while it is attacked: that it lives and answers, what it holds, and that it keeps one record an exchange. */
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AttackOptions } from '../../selftest/hostile/attack.ts'
import { TOKEN } from '../../selftest/hostile/exchanges.ts'
import type { Access } from '../gateway-process.ts'
import type { OwnGateway } from './own-gateway.ts'

const LOOK_EVERY_MS = 1_000
const HEALTH_WITHIN_MS = 10_000
/** Connections end a little after their clients have gone. */
const CALM_WITHIN_MS = 15_000
/** What a heap may wander by between two looks, and what ten minutes must not exceed. */
const GROWTH_MAX_MB = 64
/** Memory is compared with what it was when so much of the time was over: until then code is compiled and pools fill. */
const WARM = 0.2
/** Of samples at both ends. */
const SAMPLES = 5

type OnOver = NonNullable<AttackOptions['onOver']>

export class Vitals {
  readonly faults: string[] = []
  private readonly records = new Map<string, number>()
  private readonly memoryMb: number[] = []

  /** One access record. */
  record({ path }: Access): void {
    const token = path.match(TOKEN)?.[0]
    if (token !== undefined) this.records.set(token, (this.records.get(token) ?? 0) + 1)
  }

  /** Looks after the gateway until `over`; aborts it when the gateway is gone. */
  async keep(gateway: OwnGateway, over: AbortController): Promise<void> {
    void gateway.lost.then((why) => {
      this.faults.push(why)
      over.abort()
    })
    while (!over.signal.aborted) {
      await sleep(LOOK_EVERY_MS, undefined, { signal: over.signal }).catch(() => {})
      if (over.signal.aborted) return
      this.memoryMb.push(await memoryMb(gateway.pid))
      const healthy = await fetch(`${gateway.admin}/health`, { signal: AbortSignal.timeout(HEALTH_WITHIN_MS) }).then(
        (answer) => answer.ok,
        () => false,
      )
      if (!healthy && !over.signal.aborted)
        this.faults.push(`its health did not answer within ${HEALTH_WITHIN_MS / 1_000} s`)
    }
  }

  /** What is wrong with the records of an attack that is over, or null: there is one an exchange. */
  readonly onOver: OnOver = (plan, { answers, complete }, running) => {
    const records = this.records.get(plan.token) ?? 0
    const most = plan.meant.length + 1
    if (plan.frames === null && records > most) return `${records} access records of ${most - 1} requests`
    if (running.reached && records === 0) return 'it reached an upstream and left no access record'
    const isPlain = plan.frames === null && !plan.edited && complete && answers === plan.messages.length
    if (isPlain && records !== answers) return `${records} access records of ${answers} exchanges`
    this.records.delete(plan.token)
    return null
  }

  /** After the attack: everything must be given back. */
  async afterwards(gateway: OwnGateway): Promise<void> {
    if (this.faults.length > 0) return
    let open = -1
    for (let waited = 0; waited < CALM_WITHIN_MS; waited += 500) {
      open = await connections(gateway)
      // The one that asks.
      if (open <= 1) break
      await sleep(500)
    }
    if (open > 1)
      this.faults.push(`${open} client connections are still open ${CALM_WITHIN_MS / 1_000} s after the attack`)
    const { growthMb } = this
    if (growthMb > GROWTH_MAX_MB) this.faults.push(`its memory grew by ${growthMb} MB`)
  }

  /** Resident memory at the end less that when it was warm. */
  get growthMb(): number {
    const { memoryMb: all } = this
    const from = Math.floor(all.length * WARM)
    if (all.length - from < 2 * SAMPLES) return 0
    return median(all.slice(-SAMPLES)) - median(all.slice(from, from + SAMPLES))
  }
}

async function connections(gateway: OwnGateway): Promise<number> {
  const text = await (await fetch(`${gateway.admin}/metrics`)).text()
  return Number(/^postern_connections (\d+)$/m.exec(text)?.[1])
}

/** Resident memory, where the system says it in /proc; else 0. */
async function memoryMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Math.round(Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1_024)
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0
}
