/**
 * Open connections in shared memory: what caps need to be exact across the engines of a process.
 *
 * Each engine writes counts of its own, and reads everybody's: what an engine that dies had counted is gone when its replacement
 * begins, as its connections are. Clients are counted in four rows by four hashes, and the smallest of the four is believed
 * (a count-min sketch; Cormode and Muthukrishnan): a row never says less than there is, so that no cap is ever exceeded; with ten
 * thousand clients connected, one in two thousand is counted together with another.
 */
import { randomFillSync } from 'node:crypto'
import { KeyHash } from './key-hash.ts'

const HEADER = 4
const ROWS = 4
/** Counts in a row: a power of two. 1 MiB for each engine, touched only where there are clients. */
const WIDTH = 65_536

/** The memory for so many listeners and engines; `perClient` when any listener caps its clients. Hand it to every engine. */
export function createConnectionCounts(listeners: number, engines: number, perClient: boolean): SharedArrayBuffer {
  const cells = listeners * engines + (perClient ? engines * ROWS * WIDTH : 0)
  const buffer = new SharedArrayBuffer(4 * (HEADER + cells))
  const header = new Int32Array(buffer, 0, HEADER)
  header[0] = engines
  header[1] = listeners
  randomFillSync(header.subarray(2))
  return buffer
}

/** What one engine counts at one listener, and the caps there; 0 is none. */
export class ConnectionCounts {
  private readonly cells: Int32Array<SharedArrayBuffer>
  private readonly engines: number
  private readonly engine: number
  private readonly totals: number
  private readonly rows: number
  private readonly listener: number
  private readonly hash: KeyHash
  private readonly max: number
  private readonly perClientMax: number

  constructor(buffer: SharedArrayBuffer, listener: number, engine: number, max: number, perClientMax: number) {
    this.cells = new Int32Array(buffer)
    this.engines = this.cells[0]!
    this.hash = new KeyHash(this.cells[2]!, this.cells[3]!)
    this.listener = listener
    this.engine = engine
    this.totals = HEADER + listener * this.engines
    this.rows = HEADER + this.cells[1]! * this.engines
    this.max = max
    this.perClientMax = perClientMax
  }

  /** Counts a connection in; false, and not counted, when the listener has as many as it may. */
  enter(): boolean {
    Atomics.add(this.cells, this.totals + this.engine, 1)
    if (this.max === 0 || this.total() <= this.max) return true
    this.leave()
    return false
  }

  leave(): void {
    Atomics.sub(this.cells, this.totals + this.engine, 1)
  }

  /** Counts a client's connection in; false, and not counted, when the client has as many as it may. */
  enterClient(client: string): boolean {
    if (this.perClientMax === 0) return true
    this.place(client)
    let open = Number.POSITIVE_INFINITY
    for (let row = 0; row < ROWS; row++) {
      Atomics.add(this.cells, this.cellOf(row, this.engine), 1)
      let sum = 0
      for (let engine = 0; engine < this.engines; engine++) sum += Atomics.load(this.cells, this.cellOf(row, engine))
      open = Math.min(open, sum)
    }
    if (open <= this.perClientMax) return true
    this.leaveClient(client)
    return false
  }

  leaveClient(client: string): void {
    if (this.perClientMax === 0) return
    this.place(client)
    for (let row = 0; row < ROWS; row++) Atomics.sub(this.cells, this.cellOf(row, this.engine), 1)
  }

  private total(): number {
    let sum = 0
    for (let engine = 0; engine < this.engines; engine++) sum += Atomics.load(this.cells, this.totals + engine)
    return sum
  }

  private place(client: string): void {
    this.hash.update(`${this.listener} ${client}`)
  }

  /** Two hashes make as many as there are rows (Kirsch and Mitzenmacher). */
  private cellOf(row: number, engine: number): number {
    const column = (this.hash.lo + Math.imul(row, this.hash.hi | 1)) & (WIDTH - 1)
    return this.rows + (engine * ROWS + row) * WIDTH + column
  }
}

/** Forgets what an engine counted: the one that had this number has ended. */
export function forgetConnections(buffer: SharedArrayBuffer, engine: number): void {
  const cells = new Int32Array(buffer)
  const [engines, listeners] = [cells[0]!, cells[1]!]
  for (let listener = 0; listener < listeners; listener++) cells[HEADER + listener * engines + engine] = 0
  const rows = HEADER + listeners * engines
  if (cells.length > rows) cells.fill(0, rows + engine * ROWS * WIDTH, rows + (engine + 1) * ROWS * WIDTH)
}
