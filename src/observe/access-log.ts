/** The access record: one JSON line for every exchange and for every connection that never made one, with the reason it ended. */
import { closeSync, fsync, mkdirSync, openSync, write, writeSync } from 'node:fs'
import { dirname } from 'node:path'
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

/** Lines are gathered up to this many characters, or this long, before they are written: a write a line would cost more than the line. */
const BATCH_CHARS = 65_536
const BATCH_MS = 100
/** When whoever reads the log stops reading, this much waits in memory; what comes after it is counted and dropped. */
const WAITING_CHARS_MAX = 8 * 1024 * 1024
/** A pipe that is full is tried again after this. */
const AGAIN_MS = 20

export class AccessLog {
  /** Records that nobody could be told. */
  dropped = 0
  private readonly clock: Clock
  private readonly fd: number
  private text = ''
  private writing = false
  private readonly timer: NodeJS.Timeout | undefined

  /** `dest`: `stdout`, `off`, or a file's path (appended to). */
  constructor(dest: string, clock: Clock) {
    this.clock = clock
    if (dest === 'off') this.fd = -1
    else if (dest === 'stdout') this.fd = 1
    else {
      mkdirSync(dirname(dest), { recursive: true })
      this.fd = openSync(dest, 'a', 0o600)
    }
    if (this.fd !== -1) this.timer = setInterval(() => this.flush(), BATCH_MS).unref()
  }

  write(r: AccessRecord): void {
    if (this.fd === -1) return
    if (this.text.length > WAITING_CHARS_MAX) {
      this.dropped++
      return
    }
    // Built by hand: JSON.stringify of the same object costs three times as much, on every request.
    let line = `{"kind":"access","time":${this.clock.now()},"reason":"${r.reason}","status":${r.status},"client":"${r.clientAddress}","method":"${r.method}"`
    line += `,"host":${quoted(r.host)},"path":${quoted(r.path)},"route":"${r.routeName}"`
    if (r.consumerName !== '') line += `,"consumer":${quoted(r.consumerName)}`
    if (r.serviceName !== '') line += `,"service":"${r.serviceName}","instance":"${r.instance}","tries":${r.tries}`
    if (r.requestId !== '') line += `,"request":${quoted(r.requestId)}`
    line += `,"bytesIn":${r.bytesIn},"bytesOut":${r.bytesOut},"ms":${r.durationMs.toFixed(3)}}\n`
    this.text += line
    if (this.text.length > BATCH_CHARS) this.flush()
  }

  private flush(): void {
    if (this.writing || this.text === '') return
    const bytes = Buffer.from(this.text)
    this.text = ''
    this.writing = true
    this.send(bytes)
  }

  private send(bytes: Buffer): void {
    write(this.fd, bytes, (error, written) => {
      const rest = bytes.subarray(written ?? 0)
      if (error?.code === 'EAGAIN') setTimeout(() => this.send(rest), AGAIN_MS)
      else if (error === null && rest.length > 0) this.send(rest)
      else {
        // Any other error loses these lines: a log that cannot be written must not stop the gateway.
        this.writing = false
      }
    })
  }

  /** Writes what is left, if it can be written at once. */
  async close(): Promise<void> {
    clearInterval(this.timer)
    if (this.fd === -1) return
    while (this.writing) await new Promise((resolve) => setTimeout(resolve, 1))
    try {
      writeSync(this.fd, this.text)
    } catch {
      // Nobody reads any more.
    }
    this.text = ''
    if (this.fd > 2) await new Promise<void>((resolve) => fsync(this.fd, () => resolve()))
    if (this.fd > 2) closeSync(this.fd)
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
