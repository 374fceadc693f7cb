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

/** A store whose secrets cannot be opened, as a Failure; anything else as it is. */
export function lockedFailure(error: unknown): unknown {
  const isLocked = error instanceof Error && error.name === 'VaultLocked'
  return isLocked ? new Failure(`${error.message}; nothing was changed`) : error
}
