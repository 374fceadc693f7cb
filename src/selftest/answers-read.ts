/** What a client was sent, read by the letter as a row of answers. */
import type { RawClient } from './raw-client.ts'
import { NotHttp, type RawResponse, readResponse } from './raw-message.ts'

export interface Answers {
  /** Final ones. */
  readonly whole: readonly RawResponse[]
  /** Statuses of the interim ones. */
  readonly interim: readonly number[]
  /** Bytes behind the last whole answer. */
  readonly rest: string
  /** Those bytes can be the beginning of no answer. */
  readonly broken: boolean
}

/** `methods`: of the requests in order; GET beyond its end. */
export function answersTo(client: RawClient, methods: readonly string[] = []): Answers {
  const bytes = Buffer.from(client.received, 'latin1')
  const whole: RawResponse[] = []
  const interim: number[] = []
  let at = 0
  let broken = false
  while (at < bytes.length) {
    const next = readOne(bytes, at, methods[whole.length] ?? 'GET', client.over === 'end')
    broken = next === 'broken'
    if (next === null || next === 'broken') break
    at = next.next
    if (next.status < 200 && next.status !== 101) interim.push(next.status)
    else whole.push(next)
    if (next.status === 101) break
  }
  return { whole, interim, rest: bytes.toString('latin1', at), broken }
}

function readOne(bytes: Buffer, at: number, method: string, over: boolean): RawResponse | 'broken' | null {
  try {
    return readResponse(bytes, at, method, over)
  } catch (error) {
    if (error instanceof NotHttp) return 'broken'
    throw error
  }
}
