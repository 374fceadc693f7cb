/** Plays a row of an upstream's bytes and judges what the client saw: the answer it may see, a refusal, or one that breaks off. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Answers, answersTo } from './answers-read.ts'
import type { AnswerRow, Passed } from './corpus/row.ts'
import { crlf } from './notation.ts'
import type { RawClient } from './raw-client.ts'
import { written } from './raw-message.ts'
import { ECHO, Fault, type Stage } from './stage.ts'

const QUIET_MS = 10

/** The stage has been begun with the row's script. Rejects with Fault. */
export async function judgeAnswer(stage: Stage, row: AnswerRow): Promise<void> {
  const { method = 'GET', passed } = row
  const client = await stage.connect()
  await stage.send(client, requestOf(stage, method, '/a'))
  await stage.until(() => client.over !== 'no' || answersTo(client, [method]).whole.length > 0)
  await sleep(QUIET_MS)
  const answers = answersTo(client, [method])
  if (answers.whole.length > 1 || (answers.whole.length === 1 && answers.rest !== ''))
    throw new Fault('more than one answer came to one request')
  const [used] = stage.requests
  if (used === undefined) throw new Fault('the request did not go upstream')

  const whyNotPassed = passed === undefined ? 'it was passed on' : passingFault(answers, passed)
  if (whyNotPassed !== null) {
    const whyNotBad = refusalFault(stage, client, answers)
    if (whyNotBad !== null) throw new Fault(row.bad === undefined && row.cut === undefined ? whyNotPassed : whyNotBad)
    if (row.bad === undefined && row.cut === undefined) throw new Fault(`the client got a refusal: ${whyNotPassed}`)
    if (method === 'POST' && stage.requests.length > 1)
      throw new Fault('a POST that may have been acted on was repeated')
  }
  if ((whyNotPassed !== null || passed?.ends === true) && used.connection.over === 'no') {
    if (!(await stage.until(() => used.connection.over !== 'no'))) throw new Fault('the upstream’s connection was kept')
  }
  await goesOn(stage, client)
}

/** The same client asks again, if it can: what hung on to the answer before must not be taken for the answer to this. */
async function goesOn(stage: Stage, client: RawClient): Promise<void> {
  if (client.over !== 'no' || stage.upstream === null) return
  stage.upstream.script = ECHO
  const before = client.received.length
  await stage.send(client, requestOf(stage, 'GET', '/next'))
  await stage.until(() => client.over !== 'no' || client.received.length > before)
  const text = client.received.slice(before)
  if (text !== '' && !text.endsWith(`\r\n\r\n${stage.upstreamPath}/next`))
    throw new Fault(`the next answer was ${JSON.stringify(text.slice(0, 200))}`)
}

function requestOf({ target: { host, path } }: Stage, method: string, name: string): string {
  const body = method === 'POST' ? 'Content-Length: 5⏎⏎hello' : '⏎'
  return crlf(`${method} ${path}${name} HTTP/1.1⏎Host: ${host}⏎${body}`)
}

function refusalFault(stage: Stage, client: RawClient, { whole }: Answers): string | null {
  const [answer] = whole
  if (answer !== undefined)
    return answer.status >= 500
      ? null
      : `it was passed on as ${answer.status} ${JSON.stringify(answer.body.toString('latin1').slice(0, 100))}`
  return client.over === 'no' ? `the client had no end of it within ${stage.patienceMs} ms` : null
}

function passingFault({ whole, interim }: Answers, passed: Passed): string | null {
  const [answer] = whole
  if (answer === undefined) return 'the client got no whole answer'
  if (answer.status !== passed.status) return `the client got ${answer.status}`
  if (answer.body.toString('latin1') !== passed.body)
    return `the client got ${JSON.stringify(answer.body.toString('latin1').slice(0, 200))}`
  if (passed.interim !== undefined && passed.interim.join() !== interim.join())
    return `the client got the interim answers ${interim.join(', ') || 'none'} instead of ${passed.interim.join(', ')}`
  const lines = new Set(written(answer.lines).map((line) => line.toLowerCase()))
  const missing = passed.lines?.find((line) => !lines.has(line.toLowerCase()))
  return missing === undefined ? null : `the client did not get ${JSON.stringify(missing)}`
}
