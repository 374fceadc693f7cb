/** What a work hands to the report: a table of its servers, and what is to be said of the targets. */
import type { Verdict } from '../table.ts'

export interface Section {
  /** The work's name, as `--only` takes it. */
  readonly work: string
  readonly title: string
  readonly columns: readonly Column[]
  readonly rows: readonly SectionRow[]
  readonly verdicts: readonly Verdict[]
}

export interface Column {
  readonly title: string
  readonly decimals: number
}

export interface SectionRow {
  readonly server: string
  /** One for each column; NaN for what was not measured. */
  readonly figures: readonly number[]
  /** Requests refused or broken; any makes the row invalid. */
  readonly errors: number
  /** What the figures are the medians of. */
  readonly rounds: ReadonlyArray<Readonly<Record<string, number>>>
  /** Why it was not measured, or not to the end. */
  readonly reason?: string
  /** That reason is a fault of the server or of the benchmark, not something the machine lacks. */
  readonly broken?: boolean
}
