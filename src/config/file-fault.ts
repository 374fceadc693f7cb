/** Why a file that the configuration names could not be read, in words that follow its key. */

export function fileFault(error: unknown): string {
  return `cannot read the file: ${reasonOf(error)}`
}

export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown reason'
  const code = 'code' in error ? error.code : undefined
  return code === 'ENOENT' ? 'there is none' : typeof code === 'string' ? code : error.message
}
