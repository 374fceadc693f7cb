/** What a rule of the house is: a sentence, a search for breaches, what to do about one, and trees that prove the search works. */
import type { Project, Tree } from './project.ts'

export interface Rule {
  /** What holds, as a sentence. */
  readonly name: string
  /** What to do when it does not. */
  readonly advice: string
  /** Every breach, as `path:line what`. */
  readonly breaches: (project: Project) => readonly string[]
  /** Invented trees that break it, each in its own way: the rule must find fault with every one. */
  readonly broken: readonly Tree[]
  /** One that comes close and keeps it. */
  readonly kept: Tree
}

/** A text that this repository must not hold, made so that it does not: the pieces are joined when they are needed. */
export function joined(...pieces: readonly string[]): string {
  return pieces.join('')
}
