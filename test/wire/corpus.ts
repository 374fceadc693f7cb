/** The corpus as the wire tests hold it against the product: by the letter, where the selftest leaves others their choice. */
import type { AnswerRow, Place, RequestRow } from '../../src/selftest/corpus/row.ts'
import { type Answered, type Cut, type Passed, badGateways, cuts, passes } from './answers.ts'
import { type Forwarding, forwardings } from './forwarded.ts'
import { type Refusal, refusals } from './refused.ts'
import type { Rig } from './rig.ts'

export const HERE: Place = { host: 'a', path: '' }

/** Registers a test for each row: refused with its problem where it may be refused, else seen upstream as it says. */
export function requests(rig: Rig, rows: readonly RequestRow[]): void {
  refusals(
    rig,
    rows.flatMap(({ name, send, refused }): Refusal[] =>
      refused === undefined ? [] : [{ name, send, status: refused.status, code: refused.code }],
    ),
  )
  forwardings(
    rig,
    rows.flatMap(({ name, send, refused, upstream, methods }): Forwarding[] =>
      refused !== undefined || upstream === undefined ? [] : [{ name, send, upstream, ...(methods && { methods }) }],
    ),
  )
}

/** Registers a test for each row: 502 where it may be, cut where it is cut, else seen by the client as it says. */
export function answers(rig: Rig, rows: readonly AnswerRow[]): void {
  const bad = new Map<string, Answered[]>()
  const cut: Cut[] = []
  const passed: Passed[] = []
  for (const row of rows) {
    if (row.bad !== undefined) bad.set(row.bad, [...(bad.get(row.bad) ?? []), row])
    else if (row.cut !== undefined) cut.push(Object.assign({}, row, row.cut))
    else if (row.passed !== undefined) passed.push(Object.assign({}, row, row.passed))
  }
  for (const [code, all] of bad) badGateways(rig, code, all)
  cuts(rig, cut)
  passes(rig, passed)
}
