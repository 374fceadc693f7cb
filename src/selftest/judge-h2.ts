/** Plays a row of a client's frames and judges what came of them: a request that is refused, or a connection that ends. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { H2Row } from './corpus/row.ts'
import { END_STREAM, type Frame, type RawH2, TYPE } from './raw-h2.ts'
import { Fault, type Stage } from './stage.ts'
import { statusOf } from './status-field.ts'

/** For bytes that should not come. */
const QUIET_MS = 15
const RESET = 'reset'

/** Rejects with Fault, or with NotApplicable where HTTP/2 is not spoken. */
export async function judgeH2(stage: Stage, row: H2Row): Promise<void> {
  stage.begin(row.unanswered === true ? { on: 'connection', answer: (socket) => void socket.pause() } : undefined)
  const client = await stage.connectH2()
  stage.sendH2(client, row.frames())
  if (row.ends === 'connection') await connectionEnds(stage, client)
  else await requestEnds(stage, client, row)
}

async function connectionEnds(stage: Stage, client: RawH2): Promise<void> {
  const isEnded = (): boolean => client.over || client.frames.some(({ type }) => type === TYPE.GOAWAY)
  if (!(await client.waitFor(isEnded, stage.patienceMs))) throw new Fault('the connection goes on')
}

async function requestEnds(stage: Stage, client: RawH2, row: H2Row): Promise<void> {
  if (!(await client.waitFor(() => outcomeOf(client) !== null, stage.patienceMs)))
    throw new Fault(`the client had no end of it within ${stage.patienceMs} ms`)
  await sleep(QUIET_MS)
  const outcome = outcomeOf(client)
  if (typeof outcome === 'number' && outcome < 400 && row.reaches !== 'whole')
    throw new Fault(`it was answered ${outcome}`)
  const [request] = stage.requests
  if (request !== undefined && row.reaches !== 'whole') throw new Fault(`an upstream saw ${request.start}`)
  if (stage.partial.length > 0 && row.reaches === undefined) throw new Fault('an upstream saw a part of it')
}

/** What became of stream 1: it was reset, or the connection ended; or the status of its answer. Null: nothing yet. */
function outcomeOf(client: RawH2): typeof RESET | number | null {
  const own = client.frames.filter(({ id }) => id === 1)
  const ends = ({ type, flags }: Frame): boolean =>
    (type === TYPE.DATA || type === TYPE.HEADERS) && (flags & END_STREAM) !== 0
  const head = own.find(({ type }) => type === TYPE.HEADERS)
  if (head !== undefined && own.some(ends)) return statusOf(head.payload)
  if (client.over || client.frames.some(({ type }) => type === TYPE.GOAWAY || type === TYPE.RST_STREAM)) return RESET
  return null
}
