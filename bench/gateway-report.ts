/** The one report of the gateway benchmark: a table a work, every target with its verdict, and the conditions. */
import { styleText } from 'node:util'
import { conditionsLine } from './machine.ts'
import type { Conditions } from './machine.ts'
import { figure, table, verdictLine } from './table.ts'
import type { Section, SectionRow } from './works/section.ts'

/** Prints to stdout: for people, or one JSON document. */
export function reportGateways(sections: readonly Section[], conditions: Conditions, json: boolean): void {
  if (json) {
    process.stdout.write(`${JSON.stringify({ conditions, sections }, null, 2)}\n`)
    return
  }
  const parts = [...sections.map(show), conditionsLine(conditions)]
  process.stdout.write(`\n${parts.join('\n\n')}\n`)
}

function show({ work, title, columns, rows, verdicts }: Section): string {
  const titles = [work, ...columns.map((column) => column.title), 'errors']
  const cells = rows.map((row) => ({
    cells: [
      row.errors > 0 ? `${row.server} (invalid)` : row.server,
      ...columns.map(({ decimals }, column) => figure(row.figures[column] ?? Number.NaN, decimals)),
      figure(row.errors, 0),
    ],
    invalid: row.errors > 0 || row.broken === true,
  }))
  const parts = [styleText('bold', title), table(titles, cells), ...rows.flatMap(reason), ...verdicts.map(verdictLine)]
  return parts.join('\n')
}

function reason({ server, reason: text }: SectionRow): readonly string[] {
  return text === undefined ? [] : [`${styleText('yellow', 'not measured')}  ${server}: ${text}`]
}
