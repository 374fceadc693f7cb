/** The process's own log: JSON lines on standard output, written in batches. */
import { pino } from 'pino'
import type { Log } from './log.ts'

/** `level`: trace, debug, info, warn, error, silent. */
export function openLog(level: string): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // Whatever a mistake puts into a log call, these never come out of it.
      redact: { paths: ['*.secret', '*.secrets', '*.token', '*.apiKey', '*.apiKeys', '*.authorization'], censor: '…' },
    },
    // Synchronous: the process's own lines are few, and the last one before an end is the one that matters.
    pino.destination({ fd: 1, sync: true }),
  )
}
