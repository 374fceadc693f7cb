/** One HTTP request of the demo, answered in whole and timed. */
import { systemClock } from '../../base/clock.ts'

export interface Answered {
  readonly status: number
  readonly text: string
  readonly ms: number
}

export interface Asking {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
}

const TIMEOUT_MS = 10_000

/** Rejects when nobody answers. */
export async function ask(url: string, { method = 'GET', headers = {}, body }: Asking = {}): Promise<Answered> {
  const began = systemClock.elapsed()
  const answer = await fetch(url, {
    method,
    headers,
    body: body === undefined ? null : Buffer.from(body),
    redirect: 'manual',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  const text = await answer.text()
  return { status: answer.status, text, ms: systemClock.elapsed() - began }
}
