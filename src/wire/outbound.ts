/** The upstream's leg as the floors above see it: what may be asked of a connection, and what is heard of a request. */
import type { BodySink } from './body.ts'
import type { ClientEnd } from './client-end.ts'
import type { ResponseHead } from './head.ts'
import type { OutgoingHead } from './outgoing.ts'
import type { TunnelEnd } from './tunnel.ts'

/** Why a request to an upstream failed. */
export type OutboundFailure =
  | 'connect-refused'
  | 'connect-timeout'
  | 'tls-failed'
  | 'blocked-address'
  | 'name-not-found'
  | 'reset'
  /** HTTP/2: the upstream says that it has not looked at the request (RFC 9113 §8.7). */
  | 'refused-stream'
  /** HTTP/2: what is asked for takes HTTP/1.1, and the upstream could not be asked for that. */
  | 'needs-http1'
  | 'first-byte-timeout'
  | 'idle-timeout'
  | 'total-timeout'
  | 'invalid-answer'

/** Hears what becomes of one request. After `end` or `failed` nothing more comes. Bytes are valid during the call only. */
export interface OutboundListener extends BodySink {
  /** The connection stands; body bytes can be given. At once when it was kept from an earlier request. */
  ready(): void
  /** A 1xx answer that is not 101. */
  informational(head: ResponseHead): void
  /** The final head. Valid until `end` or `failed`. */
  head(head: ResponseHead): void
  /** 101 to an upgrade that was asked for: the connection is yours. */
  upgraded(head: ResponseHead, end: TunnelEnd): void
  /** There is room upstream again after `write` said false. */
  sendable(): void
  /** What had arrived is passed on; nothing more came in this read. */
  flush(): void
  /**
   * `untouched`: the connection had been used before and died without a byte of answer, as idle connections do. `detail`: the system's or
   * OpenSSL's code for why there is no connection, or empty.
   */
  failed(failure: OutboundFailure, untouched: boolean, detail: string): void
}

/** What is asked of an upstream, whatever protocol carries it. Read during `request` only. */
export interface OutboundRequest {
  readonly method: string
  /** Path and query. */
  readonly target: string
  /** The authority when `headers` have no Host. */
  readonly host: string
  /** Without what frames or hops, except for the Content-Length of a body whose length is known. */
  readonly headers: OutgoingHead
  /** A body of unknown length follows. */
  readonly chunked: boolean
  /** A protocol to switch to, or empty. */
  readonly upgrade: string
  /** Trailers of the answer will be read. */
  readonly takesTrailers: boolean
  /** Whoever comes after it on the same connection could be taken for whoever sent it: nobody does. */
  readonly bindsConnection?: boolean
  /** Whose request it is, for upstreams that are told; absent: ours. */
  readonly client?: ClientEnd
}

/** One request on its way to an upstream. Over HTTP/1.1 it is the connection itself, which serves one after another. */
export interface Outbound {
  /** It can carry no other request. */
  readonly closed: boolean
  /** Starts the request. Nothing need be sent before `flush`, `endRequest` or a large `write`. */
  request(request: OutboundRequest, timeouts: OutboundTimeouts, listener: OutboundListener): void
  /** Sends body bytes; copies what it cannot send at once. False: wait for `sendable`. */
  write(bytes: Uint8Array, start: number, end: number): boolean
  /** Sends what has been gathered. False: wait for `sendable`. */
  flush(): boolean
  /** The request is complete. */
  endRequest(trailers?: OutgoingHead | null): void
  /** Stops reading the answer until `resume`: the client has no room. */
  pause(): void
  resume(): void
  /** Ends the request, wherever it stands, without a word to the listener. */
  destroy(): void
}

export interface OutboundTimeouts {
  readonly connectMs: number
  readonly firstByteMs: number
  readonly idleMs: number
  /** In the place of `idleMs` for an event stream, whose silence says nothing; 0: none. Absent: `idleMs`. */
  readonly streamMs?: number
  /** 0: none. */
  readonly totalMs: number
}

export interface Origin {
  /** A Unix socket, instead of host and port. */
  readonly path?: string
  readonly host: string
  readonly port: number
  readonly secure: boolean
}
