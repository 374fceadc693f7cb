/** Two sockets joined byte by byte after a 101: half-close is passed on, and either side waits for the other's buffer. */
import type { Socket } from 'node:net'

/** When TCP begins to ask whether a silent peer is still there. */
const KEEP_ALIVE_MS = 60_000

/** The bytes are valid during the call only. */
export type Receive = (bytes: Buffer, start: number, end: number) => void

/** What a tunnel needs of either side: sockets have it, and streams of HTTP/2 can. */
export interface TunnelSocket {
  write(bytes: Buffer): boolean
  end(done?: () => void): unknown
  destroy(): unknown
  pause(): unknown
  resume(): unknown
  on(event: 'drain' | 'error' | 'close', heard: () => void): unknown
  setNoDelay(on: boolean): unknown
  setKeepAlive(on: boolean, initialMs: number): unknown
  setTimeout(ms: number, idle: () => void): unknown
}

/** One side of a tunnel, and how to read from it. */
export interface TunnelEnd {
  readonly socket: TunnelSocket
  /** Hands over the reading of this side: bytes that had arrived already come first. */
  start(receive: Receive, ended: () => void): void
}

/** Takes a socket from the connection that read HTTP from it. `read` redirects what comes; `early` is what had come already. */
export function tunnelEnd(socket: Socket, early: Buffer, read: (receive: Receive) => void): TunnelEnd {
  socket.removeAllListeners('drain')
  socket.removeAllListeners('end')
  return {
    socket,
    start(receive, ended) {
      if (early.length > 0) receive(early, 0, early.length)
      // A client may have ended its half behind its first bytes, before there was a tunnel: nobody says so a second time.
      if (socket.readableEnded) ended()
      else socket.on('end', ended)
      read(receive)
    },
  }
}

/** What an engine's tunnels are at, all together. */
export interface TunnelCounts {
  open: number
  /** From clients, and to them. */
  bytesIn: number
  bytesOut: number
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
  counts: TunnelCounts,
  done: (result: TunnelResult) => void,
): void {
  let bytesIn = 0
  let bytesOut = 0
  let open = 2
  counts.open++
  let over = false
  const finish = () => {
    if (over) return
    over = true
    counts.open--
    client.socket.destroy()
    upstream.socket.destroy()
    done({ bytesIn, bytesOut })
  }
  for (const { socket } of [client, upstream]) {
    socket.setNoDelay(true)
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
    socket.setTimeout(idleMs, finish)
    socket.on('error', finish)
    socket.on('close', finish)
  }
  const pass = (from: TunnelEnd, to: TunnelEnd, count: (bytes: number) => void) => {
    to.socket.on('drain', () => from.socket.resume())
    from.start(
      (bytes, start, end) => {
        count(end - start)
        // A copy: the bytes belong to the reader's buffer, which the next read overwrites.
        if (!to.socket.write(Buffer.from(bytes.subarray(start, end)))) from.socket.pause()
      },
      () => {
        // Half-closed: the other direction may still have something to say.
        if (--open === 0) to.socket.end(finish)
        else to.socket.end()
      },
    )
  }
  pass(upstream, client, (bytes) => {
    bytesOut += bytes
    counts.bytesOut += bytes
  })
  pass(client, upstream, (bytes) => {
    bytesIn += bytes
    counts.bytesIn += bytes
  })
}
