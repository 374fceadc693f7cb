/** One attack over HTTP/2 as its client: sends the plan's frames in its manner, and judges what comes back. */
import { setTimeout as sleep } from 'node:timers/promises'
import { END_STREAM, RawH2, TYPE } from '../raw-h2.ts'
import { type Target, open } from '../target.ts'
import type { Outcome } from './client.ts'
import type { Frames } from './frames.ts'
import type { Running, Watch } from './watch.ts'

const CONNECT_MS = 20_000
const GIVES_UP_MS = 150
/** A good exchange has its answer within this. */
const DEADLINE_MS = 90_000
const NOTHING: Outcome = { answers: 0, complete: false }
/** Whose answers come whole, and are the target's own. */
const ECHOED = new Set(['echo', 'chunks', 'slow', 'interim', 'close-after'])

/** Null where HTTP/2 is not spoken. */
export async function attackH2(
  target: Target,
  running: Running,
  frames: Frames,
  watch: Watch,
  over: AbortSignal,
): Promise<Outcome | null> {
  const { plan } = running
  const client = await RawH2.over(open(target, 'h2'), CONNECT_MS)
  if (client === null) return null
  try {
    await send(client, running, frames.bytes)
    if (plan.leaves === 'at once' || plan.leaves === 'with a reset') return NOTHING
    const good = plan.edited ? [] : frames.exchanges.filter(({ behaviour }) => ECHOED.has(behaviour))
    const ended = (): boolean => client.over || good.every(({ id }) => bodyOf(client, id) !== null)
    const done = plan.edited ? () => client.over : ended
    const look = async (): Promise<boolean> => {
      for (let waited = 0; waited < DEADLINE_MS && !over.aborted; waited += 1_000)
        if (await client.waitFor(done, 1_000)) return true
      return over.aborted
    }
    const came = plan.edited ? await client.waitFor(done, GIVES_UP_MS) : await look()
    if (over.aborted) return NOTHING
    judge(client, running, watch)
    if (plan.edited) return NOTHING
    if (!came) watch.blame(running, `nothing more came of it within ${DEADLINE_MS / 1_000} s`, client.shown())
    else if (watch.isStrict) for (const one of good) judgeBody(client, running, watch, one)
    return NOTHING
  } finally {
    if (plan.leaves === 'with a reset') client.socket.resetAndDestroy()
    client.close()
  }
}

async function send(client: RawH2, { plan }: Running, bytes: Buffer): Promise<void> {
  let from = 0
  for (const end of plan.ends) {
    if (client.over) return
    client.send(bytes.subarray(from, end))
    from = end
    await (plan.pauseMs > 0 ? sleep(plan.pauseMs) : new Promise((resolve) => setImmediate(resolve)))
  }
}

function judge(client: RawH2, running: Running, watch: Watch): void {
  const text = client.frames.map(({ payload }) => payload.toString('latin1')).join('\n')
  const strangers = watch.strangersIn(text, running.plan.token)
  if (strangers.length > 0) watch.blame(running, `it was given what belongs to ${strangers.join(' and ')}`, text)
}

function judgeBody(client: RawH2, running: Running, watch: Watch, one: Frames['exchanges'][number]): void {
  const body = bodyOf(client, one.id)
  // A reset or a refusal is no harm; another's answer is.
  if (body === null || body === '' || one.method === 'HEAD' || body.startsWith('{')) return
  if (body !== one.target) watch.blame(running, 'a good stream was given an answer that is not its own', body)
}

/** Null: the stream is not over. */
function bodyOf(client: RawH2, id: number): string | null {
  const own = client.frames.filter((one) => one.id === id)
  if (own.some(({ type }) => type === TYPE.RST_STREAM)) return ''
  if (!own.some(({ type, flags }) => (type === TYPE.DATA || type === TYPE.HEADERS) && (flags & END_STREAM) !== 0))
    return null
  return Buffer.concat(own.flatMap(({ type, payload }) => (type === TYPE.DATA ? [payload] : []))).toString('latin1')
}
