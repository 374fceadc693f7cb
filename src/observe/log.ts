/** What threads say about themselves. Only the main thread writes it down: a logger in every engine would cost each its memory. */

export interface Log {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** A line of another thread's log. */
export interface LogLine {
  readonly level: keyof Log
  readonly fields: object
  readonly message: string
}

/** A log whose lines are handed to `say`, which takes them to the thread that writes. */
export function remoteLog(say: (line: LogLine) => void): Log {
  const at = (level: keyof Log) => (fields: object, message: string) => say({ level, fields, message })
  return { info: at('info'), warn: at('warn'), error: at('error') }
}
