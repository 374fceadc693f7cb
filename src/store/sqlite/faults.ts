/** What went wrong, as it crosses from the store's thread to a caller: an Error's class does not survive that, a word does. */
import { StoreConflict, StoreUnavailable } from '../port.ts'

export interface Fault {
  readonly kind: 'conflict' | 'unavailable' | 'fault'
  readonly message: string
}

/** SQLite's primary result codes that blame the statement alone (sqlite.org/rescode.html): TOOBIG, CONSTRAINT, MISMATCH. */
const STATEMENT_CODES = new Set([18, 19, 20])
/** SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE; SQLITE_CONSTRAINT_FOREIGNKEY. */
const UNIQUE_CODES = new Set([1555, 2067])
const FOREIGN_KEY = 787

/** SQLite's extended result code, or undefined when the error is not SQLite's. */
function sqliteCode(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : undefined
}

/** True when the call is to blame and its neighbours in the transaction are not: full disks and failed writes are everyone's. */
export function isCallersOwn(error: unknown): boolean {
  const code = sqliteCode(error)
  return code === undefined || STATEMENT_CODES.has(code & 0xff)
}

export function isUniqueViolation(error: unknown): boolean {
  return UNIQUE_CODES.has(sqliteCode(error) ?? 0)
}

export function isForeignKeyViolation(error: unknown): boolean {
  return sqliteCode(error) === FOREIGN_KEY
}

export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}

export function faultOf(error: unknown): Fault {
  const { message } = asError(error)
  if (error instanceof StoreConflict) return { kind: 'conflict', message }
  return { kind: isCallersOwn(error) && !(error instanceof StoreUnavailable) ? 'fault' : 'unavailable', message }
}

export function errorOf(fault: Fault): Error {
  if (fault.kind === 'conflict') return new StoreConflict(fault.message)
  return fault.kind === 'unavailable' ? new StoreUnavailable(fault.message) : new Error(fault.message)
}
