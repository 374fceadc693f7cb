/** One thing that is asked of several servers, and how it is run. */
import type { Section } from './section.ts'

export interface Work {
  /** As `--only` takes it. */
  readonly name: string
  readonly peers: ReadonlyArray<{ readonly name: string }>
  /** Starts the servers that are wanted, measures them, and ends them. */
  run(how: How): Promise<Section>
}

export interface How {
  /** Times that every server has its turn. */
  readonly rounds: number
  /** Length of one turn. */
  readonly seconds: number
  /** Whether this server is to take part. */
  wants(peer: { readonly name: string }): boolean
}
