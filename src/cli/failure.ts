/** A command could not do what it was asked for a reason that its user can act on: one sentence, exit code 1, no stack. */
export class Failure extends Error {
  override readonly name = 'Failure'
}

/** What the operating system says went wrong, such as `ENOENT`; undefined when it was not the system. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  if ('code' in error && typeof error.code === 'string') return error.code
  return systemCode(error.cause)
}
