/** The access record: one JSON line for every exchange and for every connection that never made one, with the reason it ended. */
import { closeSync, fstatSync, fsync, mkdirSync, openSync, write } from 'node:fs'
import { dirname } from 'node:path'
import type { Clock } from '../base/clock.ts'

/** What a record says. Strings may hold anything a client sent; they are escaped. */
export interface AccessRecord {
  readonly reason: string
  /** Why exactly, where the reason has kinds; empty where it has none. */
  readonly detail: string
  readonly status: number
  readonly clientAddress: string
  readonly method: string
  readonly host: string
  readonly path: string
  readonly routeName: string
  readonly consumerName: string
  /** Of the client; null when it showed none. */
  readonly certificate: { readonly subject: string; readonly fingerprint: string } | null
  readonly serviceName: string
  readonly instance: string
  readonly requestId: string
  readonly tries: number
  readonly bytesIn: number
  readonly bytesOut: number
  readonly durationMs: number
}

/** Lines are gathered into blocks of this many bytes, or this long, before they are written: a write a line would cost more than the line. */
const BLOCK_BYTES = 65_536
const BATCH_MS = 100
/** When whoever reads the log stops reading, this much waits in memory; what comes after it is counted and dropped. */
const WAITING_BYTES_MAX = 8 * 1024 * 1024
/** A pipe that is full is tried again after this. */
const AGAIN_MS = 20
/** How long a stop waits for whoever reads the log. */
const CLOSE_MS = 2_000
/** What a character may become in UTF-8. */
const BYTES_PER_CHAR_MAX = 3
/**
 * What a pipe takes whole, whoever else writes to it (PIPE_BUF on Linux, pipe(7)). Engines share standard output, and with a reader that is
 * slow larger writes were found torn: one line within another.
 */
const PIPE_BYTES_MAX = 4_096
const LINE_FEED = 10

export class AccessLog {
  /** Records that nobody could be told. */
  dropped = 0
  private readonly clock: Clock
  private readonly fd: number
  /** How much is written at once: as much as nobody else's line can come between. */
  private readonly writeBytesMax: number
  /** Being filled. Lines go into it at once: strings kept until a write would be copied by every garbage collection until then. */
  private block: Buffer
  private used = 0
  /** Filled and not yet written. */
  private readonly waiting: Buffer[] = []
  private waitingBytes = 0
  /** A block that has been written, to be filled again. */
  private spare: Buffer | null = null
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
    // A file that is appended to takes any write whole.
    this.writeBytesMax = this.fd === -1 || fstatSync(this.fd).isFile() ? BLOCK_BYTES : PIPE_BYTES_MAX
    this.block = Buffer.allocUnsafeSlow(this.fd === -1 ? 0 : BLOCK_BYTES)
    if (this.fd !== -1) this.timer = setInterval(() => this.flush(), BATCH_MS).unref()
  }

  write(r: AccessRecord): void {
    if (this.fd === -1) return
    if (this.waitingBytes > WAITING_BYTES_MAX) {
      this.dropped++
      return
    }
    // Built by hand: JSON.stringify of the same object costs three times as much, on every request.
    let line = `{"kind":"access","time":${this.clock.now()},"reason":"${r.reason}","status":${r.status},"client":"${r.clientAddress}","method":"${r.method}"`
    if (r.detail !== '') line += `,"detail":${quoted(r.detail)}`
    line += `,"host":${quoted(r.host)},"path":${quoted(r.path)},"route":"${r.routeName}"`
    if (r.consumerName !== '') line += `,"consumer":${quoted(r.consumerName)}`
    if (r.certificate !== null)
      line += `,"certificate":${quoted(r.certificate.subject)},"fingerprint":"${r.certificate.fingerprint}"`
    if (r.serviceName !== '') line += `,"service":"${r.serviceName}","instance":"${r.instance}","tries":${r.tries}`
    if (r.requestId !== '') line += `,"request":${quoted(r.requestId)}`
    line += `,"bytesIn":${r.bytesIn},"bytesOut":${r.bytesOut},"ms":${milliseconds(r.durationMs)}}\n`
    if (this.used + BYTES_PER_CHAR_MAX * line.length > this.block.length) {
      this.handOver()
      if (BYTES_PER_CHAR_MAX * line.length > this.block.length) return this.enqueue(alone(line))
    }
    this.used += this.block.write(line, this.used)
  }

  /** The block is full, or has waited long enough: it is written, and another one filled. */
  private handOver(): void {
    if (this.used === 0) return
    const filled = this.block.subarray(0, this.used)
    this.block = this.spare ?? Buffer.allocUnsafeSlow(BLOCK_BYTES)
    this.spare = null
    this.used = 0
    this.enqueue(filled)
  }

  private enqueue(bytes: Buffer): void {
    this.waiting.push(bytes)
    this.waitingBytes += bytes.length
    this.writeNext()
  }

  private flush(): void {
    // While somebody reads slowly there is no hurry: the block goes on filling.
    if (!this.writing) this.handOver()
  }

  private writeNext(): void {
    const bytes = this.writing ? undefined : this.waiting.shift()
    if (bytes === undefined) return
    this.writing = true
    this.send(bytes, 0)
  }

  private send(bytes: Buffer, from: number): void {
    const length = wholeLines(bytes, from, this.writeBytesMax) - from
    write(this.fd, bytes, from, length, null, (error, written) => {
      const sent = from + (written ?? 0)
      if (error?.code === 'EAGAIN') setTimeout(() => this.send(bytes, sent), AGAIN_MS)
      else if (error === null && sent < bytes.length) this.send(bytes, sent)
      else {
        // Any other error loses these lines: a log that cannot be written must not stop the gateway.
        this.writing = false
        this.waitingBytes -= bytes.length
        if (bytes.buffer.byteLength === BLOCK_BYTES) this.spare = Buffer.from(bytes.buffer)
        this.writeNext()
      }
    })
  }

  /** Writes what is left, as far as somebody reads it within a bound. */
  async close(): Promise<void> {
    clearInterval(this.timer)
    if (this.fd === -1) return
    this.handOver()
    const until = this.clock.elapsed() + CLOSE_MS
    while (this.writing && this.clock.elapsed() < until) await new Promise((resolve) => setTimeout(resolve, 1))
    if (this.fd > 2) await new Promise<void>((resolve) => fsync(this.fd, () => resolve()))
    if (this.fd > 2) closeSync(this.fd)
  }
}

/** A line too long for a block, in memory of its own: not of the pool that `Buffer.from` shares with everybody. */
function alone(line: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(line))
  bytes.write(line)
  return bytes
}

/** Where to stop so that at most `max` bytes are written, in whole lines; a line that is longer goes out whole all the same. */
function wholeLines(bytes: Buffer, from: number, max: number): number {
  if (bytes.length - from <= max) return bytes.length
  const last = bytes.lastIndexOf(LINE_FEED, from + max - 1)
  return (last >= from ? last : bytes.indexOf(LINE_FEED, from)) + 1
}

/** Thousandths at most, as `toFixed(3)` writes them without its cost. */
function milliseconds(ms: number): number {
  return Math.round(ms * 1_000) / 1_000
}

/** A JSON string. Most values need no escape, and for them looking is cheaper than JSON.stringify. */
function quoted(value: string): string {
  for (let i = 0; i < value.length; i++) {
    const c = value.charCodeAt(i)
    if (c < 0x20 || c === 0x22 || c === 0x5c || c > 0x7e) return JSON.stringify(value)
  }
  return `"${value}"`
}
