/** Two sockets joined byte by byte after a 101: half-close is passed on, and either side waits for the other's buffer. */
import type { Socket } from 'node:net'

/** One side of a tunnel, and how to read from it. */
export interface TunnelEnd {
  readonly socket: Socket
  /** Hands over the reading of this side: bytes that had arrived already come first. The bytes are valid during the call only. */
  start(onData: (bytes: Buffer, start: number, end: number) => void, onEnd: () => void): void
}

export interface TunnelResult {
  readonly bytesIn: number
  readonly bytesOut: number
}

/** Joins client and upstream; `done` is called once when both directions are over. Silence longer than `idleMs` ends it (0: never). */
export function joinTunnel(
  client: TunnelEnd,
  upstream: TunnelEnd,
  idleMs: number,
  done: (result: TunnelResult) => void,
): void {
  let bytesIn = 0
  let bytesOut = 0
  let over = false
  const finish = () => {
    if (over) return
    over = true
    client.socket.destroy()
    upstream.socket.destroy()
    done({ bytesIn, bytesOut })
  }
  for (const { socket } of [client, upstream]) {
    socket.setNoDelay(true)
    socket.setTimeout(idleMs, finish)
    socket.on('error', finish)
    socket.on('close', finish)
  }
  let open = 2
  const pass = (from: TunnelEnd, to: TunnelEnd, count: (bytes: number) => void) => {
    to.socket.on('drain', () => from.socket.resume())
    from.start(
      (bytes, start, end) => {
        count(end - start)
        // A copy: the bytes belong to the reader's buffer, which the next read overwrites.
        if (!to.socket.write(Buffer.from(bytes.subarray(start, end)))) from.socket.pause()
      },
      () => {
        to.socket.end()
        if (--open === 0) finish()
      },
    )
  }
  pass(upstream, client, (n) => (bytesOut += n))
  pass(client, upstream, (n) => (bytesIn += n))
}
