/** Plays the corpus row by row and says of each what came of it. */
import { answerRows, h2Rows, requestRows } from './corpus/index.ts'
import type { About, AnswerRow, H2Row, RequestRow } from './corpus/row.ts'
import { judgeAnswer } from './judge-answer.ts'
import { judgeH2 } from './judge-h2.ts'
import { judgeRequest } from './judge-request.ts'
import { crlf } from './notation.ts'
import { type Scene, scenes } from './scenes/index.ts'
import { type Evidence, Fault, NotApplicable, Stage } from './stage.ts'
import type { Target } from './target.ts'

export type Row = RequestRow | H2Row | AnswerRow | Scene

export interface Verdict extends About {
  readonly verdict: 'pass' | 'fail' | 'not applicable'
  /** Null when it passed. */
  readonly why: string | null
  /** Null unless it failed. */
  readonly evidence: Evidence | null
}

/** `only`: tables or rows of tables, such as `F` or `P1`; empty for all. */
export function corpus(target: Target, only: readonly string[]): Row[] {
  const all = [...requestRows(target), ...h2Rows(target), ...answerRows(), ...scenes()]
  const wanted = ({ id }: Row): boolean => only.length === 0 || only.some((one) => one === id || one === id.charAt(0))
  return all.filter(wanted)
}

/** Does what the row is about. Rejects with Fault or NotApplicable. */
async function act(stage: Stage, row: Row): Promise<void> {
  if (!('send' in row || 'frames' in row || 'slow' in row) && stage.upstream === null)
    throw new NotApplicable('it needs a recording upstream')
  if ('frames' in row) return judgeH2(stage, row)
  if ('answer' in row) {
    stage.begin({ answer: typeof row.answer === 'string' ? crlf(row.answer) : row.answer })
    return judgeAnswer(stage, row)
  }
  stage.begin()
  if ('send' in row) await judgeRequest(stage, row)
  else await row.play(stage)
}

/** What comes of a row that is `acted`, and of a stranger after it. */
async function verdictOn(row: Row, stage: Stage, acted: () => Promise<void>): Promise<Verdict> {
  const about = { id: row.id, name: row.name, source: row.source }
  try {
    await acted()
    await stage.stranger()
    return { ...about, verdict: 'pass', why: null, evidence: null }
  } catch (error) {
    if (error instanceof NotApplicable)
      return { ...about, verdict: 'not applicable', why: error.message, evidence: null }
    // What the stage could not do is the gateway's doing: it does not answer any more, say.
    const why = error instanceof Fault ? error.message : `the exchange could not be played: ${String(error)}`
    return { ...about, verdict: 'fail', why, evidence: stage.evidence }
  }
}

/** Plays all rows, those that take long beside the others. `onVerdict` is called as each is known. The stage has been prepared. */
export async function playAll(
  stage: Stage,
  rows: readonly Row[],
  onVerdict: (verdict: Verdict) => void,
): Promise<void> {
  const isSlow = (row: Row): boolean => 'slow' in row
  const slow = rows.filter(isSlow).map((row) => {
    // What these send goes no further, so nobody watches for it.
    const own = new Stage(stage.target, null, stage.patienceMs)
    const done = act(own, row).then(
      () => null,
      (error: unknown) => error,
    )
    return { row, own, done }
  })
  for (const row of rows) if (!isSlow(row)) onVerdict(await verdictOn(row, stage, () => act(stage, row)))
  // Their strangers come when nobody else is watched: a request of one row is a fault of another.
  stage.begin()
  for (const { row, own, done } of slow) {
    const acted = async (): Promise<void> => {
      const error = await done
      if (error !== null) throw error
    }
    onVerdict(await verdictOn(row, own, acted))
  }
}
