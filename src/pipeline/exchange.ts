/** One request and its answer, from the first byte of the head to the access record. Policies read and mark it. */
import type { ClientTls } from '../wire/client-tls.ts'
import type { Told } from '../wire/forwarded.ts'
import type { RequestHead } from '../wire/head.ts'

/** Who calls, as an authentication policy found out. */
export interface ConsumerIdentity {
  readonly name: string
}

export class Exchange {
  /** The client's head; valid until the exchange is over. */
  readonly head: RequestHead
  /** The client's address: the connection's peer, or what trusted proxies say. IPv4 dotted (also when mapped into IPv6), IPv6, or `unix`. */
  clientAddress: string
  /** True when the client's own leg is encrypted. */
  encrypted: boolean
  /** What trusted proxies say of the client; null without any. */
  told: Told | null = null
  /** What is known of the client's TLS, if the connection to us has it: the name it asked for, its certificate. */
  readonly tls: ClientTls | null
  /** Monotonic ms when the head was complete. */
  readonly startedAt: number
  /** The one canonical path: what was matched, what limits and lists see, what is forwarded. */
  path = ''
  /** `?…` or empty, as received. */
  query = ''
  /** Name of the matched route; empty when none. */
  routeName = ''
  /** Values of `/:param` segments. */
  params: Readonly<Record<string, string>> = NO_PARAMS
  /** Set by an authentication policy. */
  consumer: ConsumerIdentity | null = null
  /** Set by `request-id`; empty without it. */
  requestId = ''
  /** The `RateLimit` value for the answer, set by the limit that applied; empty when none. */
  rateLimit = ''
  /** It has ended, however: no policy is asked any more. */
  over = false
  /** Place in the order of the policy that acts, or their number when all have acted on the request. Kept by the pipeline. */
  entered = 0
  /** The whole body, when somebody asked for it. */
  requestBody: Uint8Array | null = null

  // What the access record says.
  /** Why it ended as it did: `ok`, a problem's code, `client-abort`, … */
  reason = 'ok'
  /** What more is known of the reason: of a failed handshake, of an upstream that could not be reached. */
  detail = ''
  status = 0
  serviceName = ''
  /** `host:port` of the instance that was tried last. */
  instance = ''
  tries = 0
  bytesIn = 0
  bytesOut = 0

  constructor(head: RequestHead, clientAddress: string, tls: ClientTls | null, startedAt: number) {
    this.head = head
    this.clientAddress = clientAddress
    this.tls = tls
    this.encrypted = tls !== null
    this.startedAt = startedAt
  }

  /** Between the client and us stand proxies that are trusted. */
  cameThrough(told: Told): void {
    this.told = told
    this.clientAddress = told.client
    if (told.proto !== '') this.encrypted = told.proto === 'https'
  }
}

const NO_PARAMS: Readonly<Record<string, string>> = Object.freeze({})
