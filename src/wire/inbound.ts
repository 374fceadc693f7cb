/** The client's leg as the floors above see it, whatever protocol it speaks. */
import type { Problem } from '../base/problem.ts'
import type { BodySink } from './body.ts'
import type { ClientEnd } from './client-end.ts'
import type { ClientTls } from './client-tls.ts'
import type { RequestHead } from './head.ts'
import type { OutgoingHead } from './outgoing.ts'
import type { RateMin } from './pace.ts'
import type { HandshakeFailure } from './tls-server.ts'
import type { TunnelEnd } from './tunnel.ts'

export interface ClientTimeouts {
  /** From a head's first byte to its last. */
  readonly headMs: number
  /** Longest silence while a body is read, or while an answer is not. */
  readonly bodyIdleMs: number
  /** A kept connection without a request. */
  readonly keepAliveMs: number
  /** Of a head, of a body, and of the reading of an answer. */
  readonly rateMin: RateMin
}

/** The client left, took its answer too slowly, or was cut off at the end of a drain. The reason code of the access record. */
export type Aborted = 'client-abort' | 'client-too-slow' | 'shutdown'

/** What an exchange hears about its client after it has begun. */
export interface InboundListener {
  /** The client's buffer has room again after `write` said false. */
  drain(): void
  /** The body broke its framing, is too large or too slow. No more of it will come; the client can still be answered. */
  bodyRefused(problem: Problem): void
  /** The connection is gone. Nothing more can be sent; no other call follows. */
  aborted(why: Aborted): void
}

/** One request and the means to answer it. The connection reuses the object for its next request. */
export interface Inbound {
  readonly head: RequestHead
  readonly client: ClientEnd
  /** Null in clear. */
  readonly tls: ClientTls | null
  readonly bytesIn: number
  readonly bytesOut: number
  listener: InboundListener | null

  /**
   * Starts reading the body. Before it, the body stays in the socket (and `Expect: 100-continue` unanswered). `bytesMax` 0 is no
   * bound; `idleMs` is the longest silence, 0 the listener's own.
   */
  readBody(sink: BodySink, bytesMax: number, idleMs: number): void
  pauseBody(): void
  resumeBody(): void
  /** Says 100 once, if the client waits for it. */
  continue(): void
  /** Passes an interim answer (1xx) on. */
  informational(status: number, reason: string, headers: OutgoingHead | null): void

  /**
   * Starts the answer. `headers` are without Connection and Transfer-Encoding, and read during the call. `framing` is one of
   * FRAMING: with `length` the body has exactly that many bytes and `headers` say so in Content-Length; `chunked` and `close` are
   * framed as the client's version allows.
   */
  respond(status: number, reason: string, headers: OutgoingHead, framing: number, length: number): void
  /** Sends body bytes; copies what it cannot send at once. False: wait for `drain`. */
  write(bytes: Uint8Array, start: number, end: number): boolean
  /** Puts on the wire what was held back to go out with what follows. False: wait for `drain`. */
  flush(): boolean
  /** The answer is complete. Trailers are sent where its framing has a place for them. */
  end(trailers?: OutgoingHead | null): void
  /** The answer cannot be completed: cut it so that the client cannot mistake it for a whole one. */
  abort(): void
  /** Agrees to the upgrade with these headers (`Upgrade` among them) and gives the client's side of the tunnel away. */
  switchProtocols(headers: OutgoingHead): TunnelEnd
}

export interface Unestablished {
  readonly remoteAddress: string
  readonly failure: HandshakeFailure
  /** OpenSSL's reason, or empty. */
  readonly detail: string
  /** What the client asked for by SNI; empty when it did not, or did not come so far. */
  readonly serverName: string
}

/** What the wire reports of a connection to the floor above. */
export interface InboundHandler {
  /** A request's head is complete; from here the handler answers. */
  request(inbound: Inbound): void
  /** The wire refused bytes before they were a request, and answered itself. */
  refused(inbound: Inbound, problem: Problem): void
  /** A connection was ended before it could make a request: why, and what it was answered (0: nothing). */
  turnedAway(remoteAddress: string, reason: string, status: number): void
  /** A connection ended without ever having made a request or been refused. */
  unused(remoteAddress: string): void
  /** A connection ended in its TLS handshake. */
  unestablished(end: Unestablished): void
}
