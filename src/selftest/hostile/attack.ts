/** The hostile client as a whole: many attacks at once for a while, controls between them, and what was found. */
import type { RecordingUpstream } from '../recording-upstream.ts'
import type { Target } from '../target.ts'
import { hostileScript } from './behave.ts'
import { type Outcome, attack } from './client.ts'
import { attackH2 } from './client-h2.ts'
import { Control } from './controls.ts'
import { type Plan, planOf } from './plan.ts'
import { type Finding, type Running, Watch, textOf } from './watch.ts'

export interface AttackOptions {
  readonly target: Target
  readonly upstream: RecordingUpstream
  /** `RUN`, or `RUN:N` to repeat the one attack N of it. */
  readonly seed: string
  readonly durationMs: number
  /** The gateway is a Postern: nothing may go upstream that a strict reader does not read, and no good request may fail. */
  readonly isStrict: boolean
  /** Asked when an attack is over, and its records have had time to be written: what is wrong with them, or null. */
  readonly onOver?: (plan: Plan, outcome: Outcome, running: Running) => string | null
  readonly onProgress?: (attacks: number, found: number) => void
  /** Ends it before its time: the gateway is gone, say. */
  readonly over: AbortController
}

export interface AttackResult {
  readonly seed: string
  readonly attacks: number
  /** Good exchanges in between. */
  readonly controls: number
  readonly controlsRefused: number
  readonly found: number
  readonly findings: readonly Finding[]
}

const AT_ONCE = 32
const CONTROLS = 4
/** Records are written in batches, and an upstream that is silent is given up in the end. */
const SETTLE_MS = 8_000
/** On a busy machine they may be late. */
const SETTLE_TIMES = 3
/** Good requests that have no bad luck of their own are refused this seldom. */
const REFUSED_MAX = 0.01
const FORGET_EVERY = 200

export async function runAttack(options: AttackOptions): Promise<AttackResult> {
  const { target, upstream, durationMs, isStrict, over } = options
  const [run = '', only] = options.seed.split(':')
  const watch = new Watch(run, isStrict)
  const controls = Array.from({ length: CONTROLS }, (_, i) => new Control(`${i}`, target, watch, isStrict))
  let attacks = 0
  upstream.script = hostileScript((request) => watch.request(request))
  upstream.forget()

  const timer = setTimeout(() => over.abort(), durationMs)
  const settling = new Set<Promise<void>>()
  const attacker = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const plan = planOf(run, only === undefined ? attacks : Number(only), target)
      attacks++
      const running = watch.begin(plan)
      const outcome =
        plan.frames === null
          ? await attack(target, running, watch, over.signal)
          : await attackH2(target, running, plan.frames, watch, over.signal)
      if (outcome === null) {
        watch.forget(running)
        continue
      }
      const settled = settle(running, outcome)
      settling.add(settled)
      void settled.then(() => settling.delete(settled))
      if (attacks % FORGET_EVERY === 0) tidy(upstream, watch)
      options.onProgress?.(attacks, watch.found)
      if (only !== undefined) await settled
    }
  }
  const settle = async (running: Running, outcome: Outcome): Promise<void> => {
    let wrong: string | null = null
    for (let times = 0; times < SETTLE_TIMES; times++) {
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
      wrong = options.onOver?.(running.plan, outcome, running) ?? null
      if (wrong === null) break
    }
    if (wrong !== null) watch.blame(running, wrong, '')
    watch.forget(running)
  }

  const attackers = Array.from({ length: only === undefined ? AT_ONCE : 1 }, attacker)
  await Promise.all([...attackers, ...controls.map((control) => control.run(over.signal))])
  clearTimeout(timer)
  await Promise.all(settling)
  tidy(upstream, watch)
  const good = sum(controls.map((control) => control.good))
  const refused = sum(controls.map((control) => control.refused))
  if (isStrict && refused > good * REFUSED_MAX)
    watch.note(`${refused} of ${good + refused} good requests were refused`, '', '')
  return {
    seed: options.seed,
    attacks,
    controls: good,
    controlsRefused: refused,
    found: watch.found,
    findings: watch.findings,
  }
}

/** Looks at what was no request before it is forgotten. */
function tidy(upstream: RecordingUpstream, watch: Watch): void {
  for (const { error, partial, last } of upstream.connections)
    if (error !== null)
      watch.note(`an upstream saw what is no request: ${error.message}`, last === null ? '' : textOf(last), partial)
  upstream.forget()
}

function sum(all: readonly number[]): number {
  return all.reduce((total, one) => total + one, 0)
}
