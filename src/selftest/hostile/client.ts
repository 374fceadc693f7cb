/** One attack as its client: sends the plan's bytes in its manner, and judges what comes back. */
import { setTimeout as sleep } from 'node:timers/promises'
import { answersTo } from '../answers-read.ts'
import { RawClient } from '../raw-client.ts'
import { type Target, open } from '../target.ts'
import type { Running, Watch } from './watch.ts'

/** Whoever does not wait for a deadline gives up after this. */
const GIVES_UP_MS = 150
/** A whole request has its answer within this, whatever its upstream does; and a gateway has cut whoever says nothing more. */
const DEADLINE_MS = 90_000
const LATE_MS = 60

/** What became of it. */
export interface Outcome {
  /** Final answers that came whole. */
  readonly answers: number
  /** It stayed until everything it sent was answered. */
  readonly complete: boolean
}

export async function attack(target: Target, running: Running, watch: Watch, over: AbortSignal): Promise<Outcome> {
  const { plan } = running
  const client = await RawClient.over(open(target))
  const methods = plan.messages.map(({ method }) => method)
  const wanted = plan.meant.filter(({ whole }) => whole).length
  const answered = (): boolean => client.over !== 'no' || answersTo(client, methods).whole.length >= wanted
  if (plan.readsLate) {
    client.socket.pause()
    setTimeout(() => client.socket.resume(), LATE_MS)
  }
  try {
    await send(client, running)
    if (plan.leaves === 'at once') client.close()
    else if (plan.leaves === 'with a reset') client.reset()
    else if (plan.leaves === 'with a half-close') client.end()
    if (plan.leaves === 'at once' || plan.leaves === 'with a reset') return { answers: 0, complete: false }

    const canWait =
      wanted > 0 &&
      plan.leaves === 'when answered' &&
      plan.messages.every(({ behaviour }) => behaviour !== 'silent' && behaviour !== 'tunnel')
    const patienceMs =
      plan.leaves === 'never' || plan.leaves === 'with a half-close' || canWait ? DEADLINE_MS : GIVES_UP_MS
    const done = plan.leaves === 'when answered' ? answered : () => client.over !== 'no'
    const came = await client.waitFor(done, patienceMs, over)
    if (over.aborted) return { answers: 0, complete: false }
    // A tunnel may be silent for as long as both sides like.
    if (!came && patienceMs === DEADLINE_MS && !client.received.includes('HTTP/1.1 101 '))
      watch.blame(running, `nothing more came of it within ${DEADLINE_MS / 1_000} s`, client.received)
    return judge(client, running, watch, methods)
  } finally {
    client.close()
  }
}

async function send(client: RawClient, { plan }: Running): Promise<void> {
  let from = 0
  for (const end of plan.ends) {
    if (client.over !== 'no') return
    await client.send(plan.text.slice(from, end))
    from = end
    if (end < plan.text.length)
      await (plan.pauseMs > 0 ? sleep(plan.pauseMs) : new Promise((resolve) => setImmediate(resolve)))
  }
}

function judge(client: RawClient, running: Running, watch: Watch, methods: readonly string[]): Outcome {
  const { plan } = running
  const { received } = client
  const strangers = watch.strangersIn(received, plan.token)
  if (strangers.length > 0) watch.blame(running, `it was given what belongs to ${strangers.join(' and ')}`, received)
  const { whole, broken } = answersTo(client, plan.edited ? plan.meant.map(({ method }) => method) : methods)
  // Whatever cannot be read is followed by one refusal at most.
  if (watch.isStrict && whole.length > plan.meant.length + 1)
    watch.blame(running, `${whole.length} answers came to ${plan.meant.length} requests`, received)
  const isTunnel = received.startsWith('HTTP/1.1 101 ') || whole.some(({ status }) => status === 101)
  if (broken && !isTunnel && !plan.edited) watch.blame(running, 'an answer is no HTTP', received)
  return { answers: whole.length, complete: plan.leaves === 'when answered' && whole.length >= plan.meant.length }
}
