/** The access record: one JSON line for every exchange and for every connection that never made one, with the reason it ended. */
import { pino } from 'pino'
import type { Clock } from '../base/clock.ts'

/** What a record says. Strings may hold anything a client sent; they are escaped. */
export interface AccessRecord {
  readonly reason: string
  readonly status: number
  readonly clientAddress: string
  readonly method: string
  readonly host: string
  readonly path: string
  readonly routeName: string
  readonly consumerName: string
  readonly serviceName: string
  readonly instance: string
  readonly requestId: string
  readonly tries: number
  readonly bytesIn: number
  readonly bytesOut: number
  readonly durationMs: number
}

/** Lines are gathered up to this many bytes, or this long, before they are written. */
const BATCH_BYTES = 16_000
const BATCH_MS = 100

export class AccessLog {
  private readonly clock: Clock
  private readonly out: ReturnType<typeof pino.destination> | null

  /** `dest`: `stdout`, `off`, or a file's path (appended to). */
  constructor(dest: string, clock: Clock) {
    this.clock = clock
    this.out =
      dest === 'off'
        ? null
        : pino.destination({
            ...(dest === 'stdout' ? { fd: 1 } : { dest, append: true, mkdir: true, mode: 0o600 }),
            minLength: BATCH_BYTES,
            periodicFlush: BATCH_MS,
            sync: true,
          })
  }

  write(r: AccessRecord): void {
    if (this.out === null) return
    // Built by hand: JSON.stringify of the same object costs three times as much, on every request.
    let line = `{"kind":"access","time":${this.clock.now()},"reason":"${r.reason}","status":${r.status},"client":"${r.clientAddress}","method":"${r.method}"`
    line += `,"host":${quoted(r.host)},"path":${quoted(r.path)},"route":"${r.routeName}"`
    if (r.consumerName !== '') line += `,"consumer":${quoted(r.consumerName)}`
    if (r.serviceName !== '') line += `,"service":"${r.serviceName}","instance":"${r.instance}","tries":${r.tries}`
    if (r.requestId !== '') line += `,"request":${quoted(r.requestId)}`
    line += `,"bytesIn":${r.bytesIn},"bytesOut":${r.bytesOut},"ms":${r.durationMs.toFixed(3)}}\n`
    this.out.write(line)
  }

  close(): Promise<void> {
    const { out } = this
    if (out === null) return Promise.resolve()
    return new Promise((resolve) => {
      out.once('close', resolve)
      out.once('error', () => resolve())
      out.end()
    })
  }
}

/** A JSON string. Most values need no escape, and for them looking is cheaper than JSON.stringify. */
function quoted(value: string): string {
  for (let i = 0; i < value.length; i++) {
    const c = value.charCodeAt(i)
    if (c < 0x20 || c === 0x22 || c === 0x5c || c > 0x7e) return JSON.stringify(value)
  }
  return `"${value}"`
}
