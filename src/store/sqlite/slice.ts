/** A slice of a task: so much work as one transaction does. */
import type { Task } from '../../model/task.ts'

/** What a slice has done; `cursor` is null when nothing is left. */
export interface Slice {
  readonly cursor: string | null
  readonly done: number
  /** Added to the result. */
  readonly found?: NonNullable<Task['result']>
}

/** The work cannot go on; the message says why. */
export class WorkFailed extends Error {
  override readonly name = 'WorkFailed'
}
