/** What a scene is: a row that takes more than bytes on one side; and the steps that many scenes take. */
import { type Answers, answersTo } from '../answers-read.ts'
import type { About } from '../corpus/row.ts'
import { crlf } from '../notation.ts'
import type { RawClient } from '../raw-client.ts'
import type { RawResponse } from '../raw-message.ts'
import type { RecordedConnection, RecordingUpstream } from '../recording-upstream.ts'
import { Fault, type Stage } from '../stage.ts'

export interface Scene extends About {
  /** It takes a minute or so, asks for nothing whole, and may be played while others are. */
  readonly slow?: true
  /** The stage has been begun and has an upstream. Rejects with Fault or NotApplicable. */
  play(stage: Stage): Promise<void>
}

/** The upstream: scenes are played only where there is one. */
export function upstreamOf({ upstream }: Stage): RecordingUpstream {
  if (upstream === null) throw new Error('a scene needs an upstream')
  return upstream
}

/** A head in the notation, below the target's path; `lines` each as they are. */
export function headOf({ target: { host, path } }: Stage, method: string, name: string, ...lines: string[]): string {
  return crlf(`${method} ${path}${name} HTTP/1.1⏎Host: ${host}⏎${lines.map((line) => `${line}⏎`).join('')}⏎`)
}

/** The next final answer that `client` has, as the `nth` on its connection. Throws Fault when none comes. */
export async function answerOf(stage: Stage, client: RawClient, method = 'GET', nth = 0): Promise<RawResponse> {
  const methods = Array.from<string>({ length: nth }).fill('GET').concat(method)
  const read = (): Answers => answersTo(client, methods)
  await stage.until(() => read().whole.length > nth || client.over !== 'no' || read().broken)
  const answer = read().whole[nth]
  if (answer === undefined)
    throw new Fault(
      client.over === 'no' ? `no answer within ${stage.patienceMs} ms` : 'the connection ended without an answer',
    )
  return answer
}

/** The first connection of the row that has a request, whole or begun. Throws Fault when none comes. */
export async function arrival(stage: Stage): Promise<RecordedConnection> {
  const found = (): RecordedConnection | undefined => stage.requests[0]?.connection ?? stage.partial[0]
  await stage.until(() => found() !== undefined)
  const connection = found()
  if (connection === undefined) throw new Fault('the request did not go upstream')
  return connection
}

/** Throws Fault with `why` unless it comes to be. */
export async function insist(stage: Stage, done: () => boolean, why: string, patienceMs?: number): Promise<void> {
  if (!(await stage.until(done, patienceMs))) throw new Fault(why)
}
