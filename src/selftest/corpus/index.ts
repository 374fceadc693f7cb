/** The corpus as a whole, in the order of the tables. */
import { ANSWERS } from './answers.ts'
import { chunkedRequests } from './chunked.ts'
import { fields } from './fields.ts'
import { hosts } from './hosts.ts'
import { paths } from './paths.ts'
import { requestFraming } from './request-framing.ts'
import { requestLines } from './request-lines.ts'
import type { AnswerRow, Place, RequestRow } from './row.ts'

export function requestRows(place: Place): RequestRow[] {
  return [requestFraming, chunkedRequests, requestLines, fields, paths, hosts].flatMap((rows) => rows(place))
}

export function answerRows(): readonly AnswerRow[] {
  return ANSWERS
}
