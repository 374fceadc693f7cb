/** Results for people: an aligned table and verdicts, coloured when a person is likely to be looking. */
import { styleText, stripVTControlCharacters } from 'node:util'

export interface Row {
  readonly cells: readonly string[]
  /** Marks what must not be believed. */
  readonly invalid?: boolean
}

/** The first column holds names and is aligned left; the others hold figures and are aligned right. */
export function table(titles: readonly string[], rows: readonly Row[]): string {
  const all = [titles, ...rows.map((row) => row.cells)]
  const widths = titles.map((_, column) => Math.max(...all.map((cells) => width(cells[column] ?? ''))))
  const line = (cells: readonly string[]) =>
    widths
      .map((wide, column) => pad(cells[column] ?? '', wide, column > 0))
      .join('  ')
      .trimEnd()
  const head = styleText('bold', line(titles))
  return [
    head,
    ...rows.map((row) => (row.invalid === true ? styleText('red', line(row.cells)) : line(row.cells))),
  ].join('\n')
}

function width(cell: string): number {
  return stripVTControlCharacters(cell).length
}

function pad(cell: string, wide: number, right: boolean): string {
  const space = ' '.repeat(wide - width(cell))
  return right ? space + cell : cell + space
}

export interface Verdict {
  /** What was aimed at, with the figure. */
  readonly target: string
  /** Null: this run did not measure it. */
  readonly met: boolean | null
  /** What was measured. */
  readonly measured: string
}

export function verdictLine(verdict: Verdict): string {
  if (verdict.met === null) return `${styleText('yellow', 'not measured')}  ${verdict.target}`
  const word = verdict.met ? styleText('green', 'met   ') : styleText('red', 'missed')
  return `${word}  ${verdict.target}: ${verdict.measured}`
}

/** A figure with as many decimals as it deserves; `–` for what was not measured. */
export function figure(value: number, decimals: number): string {
  if (!Number.isFinite(value)) return '–'
  return value.toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals })
}
