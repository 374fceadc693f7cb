/** Connections that were used once and are now held idle. */
import { join } from 'node:path'
import { z } from 'zod'
import { LOAD_CORE } from '../machine.ts'
import { launch, until } from '../processes.ts'
import { readSummary } from './summary.ts'

/** What idle-client.ts prints at its end. */
const SUMMARY = z.object({
  /** Still open then. */
  held: z.number(),
  /** Not opened, or closed by the other side. */
  errors: z.number(),
  /** What the first that could not be opened met. */
  failed: z.string(),
})

export type IdleKind = 'keep-alive' | 'websocket'

export interface Held {
  /** Closes them; says how many had lived until then. */
  release(): Promise<z.infer<typeof SUMMARY>>
}

const OPENING_LIMIT_MS = 120_000

/** Resolves when all stand. */
export async function holdIdle(origin: string, kind: IdleKind, count: number): Promise<Held> {
  const client = join(import.meta.dirname, 'idle-client.ts')
  const launched = launch(process.execPath, [client, origin, kind, `${count}`], LOAD_CORE)
  await until(launched, 'the idle client', () => /^opened$/m.test(launched.output()), OPENING_LIMIT_MS)
  return {
    async release() {
      launched.child.kill('SIGTERM')
      await launched.exited
      return SUMMARY.parse(readSummary(launched.output(), 'the idle client'))
    },
  }
}
