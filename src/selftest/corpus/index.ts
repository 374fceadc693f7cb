/** The corpus as a whole, in the order of the tables. */
import { ANSWERS } from './answers.ts'
import { chunkedRequests } from './chunked.ts'
import { h2Abuse } from './h2-abuse.ts'
import { h2Requests } from './h2-requests.ts'
import { fields } from './fields.ts'
import { hosts } from './hosts.ts'
import { paths } from './paths.ts'
import { requestFraming } from './request-framing.ts'
import { requestLines } from './request-lines.ts'
import type { AnswerRow, H2Row, Place, RequestRow } from './row.ts'

export function requestRows(place: Place): RequestRow[] {
  return [requestFraming, chunkedRequests, requestLines, fields, paths, hosts].flatMap((rows) => rows(place))
}

export function h2Rows(place: Place): H2Row[] {
  return [...h2Requests(place), ...h2Abuse(place)]
}

export function answerRows(): readonly AnswerRow[] {
  return ANSWERS
}
