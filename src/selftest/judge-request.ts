/** Plays a row of client's bytes and judges what came of them: refused as it must be, or seen upstream as it may be. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Answers, answersTo } from './answers-read.ts'
import { ANY_TARGET, forgivingPath } from './corpus/paths.ts'
import type { RequestRow, Seen } from './corpus/row.ts'
import { pieces } from './notation.ts'
import type { RawClient } from './raw-client.ts'
import type { RecordedRequest } from './recording-upstream.ts'
import { Fault, type Stage } from './stage.ts'

/** For bytes that should not come. */
const QUIET_MS = 15

/** Rejects with Fault. */
export async function judgeRequest(stage: Stage, row: RequestRow): Promise<void> {
  const client = await stage.connect()
  await stage.send(client, ...pieces(row.send))
  const wanted = row.upstream?.length ?? 1
  const refused = (): boolean => answersTo(client, row.methods).whole.some(({ status }) => isRefusal(status))
  const nonsense = (): boolean => stage.partial.some(({ error }) => error !== null)
  await stage.until(
    () => client.over !== 'no' || refused() || nonsense() || answersTo(client, row.methods).whole.length >= wanted,
  )
  if (row.refused !== undefined && mustClose(row) && refused()) await stage.until(() => client.over !== 'no')
  else if (client.over === 'no') await sleep(QUIET_MS)

  const answers = answersTo(client, row.methods)
  const whyNotRefused = refusalFault(stage, row, client, answers)
  if (whyNotRefused === null && (row.refused !== undefined || row.mayRefuse === true)) return
  if (row.upstream === undefined) throw new Fault(whyNotRefused ?? 'it was refused')
  const whyNotForwarded = forwardingFault(stage, row, row.upstream, answers)
  if (whyNotForwarded !== null)
    throw new Fault(
      row.refused === undefined || whyNotRefused === whyNotForwarded
        ? whyNotForwarded
        : `${whyNotRefused}, and ${whyNotForwarded}`,
    )
}

/** A redirection refuses too: nothing of the request goes on. */
function isRefusal(status: number): boolean {
  return status >= 300
}

/** Where framing is in doubt, whatever follows on the connection is too. */
function mustClose({ id, refused }: RequestRow): boolean {
  return id.startsWith('F') && refused?.stays !== true
}

function refusalFault(stage: Stage, row: RequestRow, client: RawClient, { whole, rest }: Answers): string | null {
  if (whole.length > 1) return `it brought ${whole.length} answers`
  const [answer] = whole
  const nonsense = stage.partial.find(({ error }) => error !== null)
  if (nonsense !== undefined)
    return `an upstream saw what is no request: ${JSON.stringify(nonsense.partial.slice(0, 200))}`
  if (answer === undefined && client.over === 'no') return `it had no answer within ${stage.patienceMs} ms`
  if (answer !== undefined && !isRefusal(answer.status)) return `it was answered ${answer.status}`
  if (rest !== '') return `bytes came behind the refusal: ${JSON.stringify(rest.slice(0, 200))}`
  if (mustClose(row) && client.over === 'no') return 'the connection stayed open after the refusal'
  const [request] = stage.requests
  if (request !== undefined) return `an upstream saw ${JSON.stringify(request.start)}`
  const open = stage.partial.find(({ over }) => over === 'no')
  if (open !== undefined) return `an upstream was left with ${JSON.stringify(open.partial.slice(0, 200))}`
  return null
}

function forwardingFault(
  stage: Stage,
  row: RequestRow,
  seen: readonly Seen[],
  { whole, rest }: Answers,
): string | null {
  if (rest !== '') return `bytes came behind the answers: ${JSON.stringify(rest.slice(0, 200))}`
  const good = whole.filter(({ status }) => !isRefusal(status))
  if (good.length !== seen.length) return `${good.length} answers came to ${seen.length} requests`
  if (stage.upstream === null) return null
  const { requests } = stage
  const [broken] = stage.partial
  if (broken !== undefined) return `an upstream saw what is no request: ${JSON.stringify(broken.partial.slice(0, 200))}`
  if (requests.length !== seen.length)
    return `an upstream saw ${requests.length} requests instead of ${seen.length}: ${requests.map(({ start }) => start).join(' and ')}`
  for (const [i, request] of requests.entries()) {
    const why = differs(stage, request, seen[i]!)
    if (why !== null) return why
    const head = `\r\n${request.lines.map(([name, value]) => `${name}: ${value}`).join('\r\n')}`.toLowerCase()
    const leak = row.never?.find((text) => head.includes(text))
    if (leak !== undefined) return `${JSON.stringify(leak)} went upstream`
    const answer = whole[i]!
    if (answer.framing !== 'none' && answer.body.toString('latin1') !== request.target)
      return `the answer to ${request.target} was ${JSON.stringify(answer.body.toString('latin1').slice(0, 200))}`
  }
  return null
}

/** Why this is not the request that an upstream may see; null when it is. Case and order are a gateway's own. */
function differs(stage: Stage, request: RecordedRequest, { start, lines = [], body = '' }: Seen): string | null {
  const { path, host } = stage.target
  const [method, target = ''] = start.split(' ')
  if (request.method !== method) return `an upstream saw the method ${request.method}`
  if (target === ANY_TARGET) {
    if (!`${forgivingPath(request.target)}/`.startsWith(`${stage.upstreamPath}/`))
      return `${request.target} leads an upstream out of ${path}`
  } else {
    const mine = stage.upstreamPath + target.slice(path.length)
    if (request.target !== mine && forgivingPath(request.target) !== forgivingPath(mine))
      return `an upstream saw the target ${request.target}`
  }
  if (request.body.toString('latin1') !== body)
    return `an upstream saw the body ${JSON.stringify(request.body.toString('latin1').slice(0, 200))}`
  const has = (line: string): boolean => {
    const at = line.indexOf(': ')
    const [name, value] = [line.slice(0, at).toLowerCase(), line.slice(at + 2)]
    // Which host a service is asked for is for the operator to say.
    if (name === 'host' && value === host) return true
    const all = request.lines.filter(([is]) => is.toLowerCase() === name).map((one) => one[1])
    return all.includes(value) || all.join(', ').split(', ').includes(value)
  }
  const missing = lines.find((line) => !has(line))
  return missing === undefined ? null : `${JSON.stringify(missing)} did not go upstream`
}
