/** The gateway's nouns as a checked configuration gives them: plain data that any thread can receive. */
import type { AcmeSpec, TlsSpec, UpstreamTlsSpec } from './tls.ts'

export interface Instance {
  /** Origin without path: `http://host:port` or `https://host:port`; or a Unix socket: `unix:/path`. */
  readonly url: string
  /** 1 to 1000; an instance with 3 is picked three times as often as one with 1. */
  readonly weight: number
}

export interface Timeouts {
  readonly connectMs: number
  /** From the last byte of the request to the first byte of the answer. */
  readonly firstByteMs: number
  /** Longest silence in either direction while a body is moving. */
  readonly idleMs: number
  /** Longest silence of a tunnel or an event stream, in both directions; 0 is no bound. */
  readonly streamMs: number
  /** The whole exchange; 0 is no bound (streams). */
  readonly totalMs: number
}

export interface Service {
  readonly name: string
  /** `h2` over TLS, `h2c` in clear. */
  readonly protocol: 'http/1.1' | 'h2' | 'h2c'
  /** With instances at https. */
  readonly tls: UpstreamTlsSpec
  /** How the instances are told whose connections they are given; null: they are not. */
  readonly proxyProtocol: 'v1' | 'v2' | null
  readonly instances: readonly Instance[]
  readonly timeouts: Timeouts
}

/** A policy as written: its name and its own, already checked, configuration. */
export interface PolicyUse {
  readonly name: string
  readonly config: unknown
}

export interface Match {
  /** `shop.example`, `*.shop.example`; empty is every host. Lower case, no port. */
  readonly hosts: readonly string[]
  /** `/exact`, `/prefix/*`, `/user/:id`. */
  readonly path: string
  /** Upper case; empty is every method. */
  readonly methods: readonly string[]
}

/** How a route ends. */
export type TargetSpec =
  | { readonly kind: 'proxy'; readonly service: string }
  | { readonly kind: 'ingest'; readonly source: string }
  | { readonly kind: 'durable'; readonly service: string }
  | { readonly kind: 'publish'; readonly event: string; readonly to: string }
  | { readonly kind: 'webhook-keys' }
  | {
      readonly kind: 'reply'
      readonly status: number
      readonly headers: Readonly<Record<string, string>>
      readonly body: string
    }
  | { readonly kind: 'redirect'; readonly status: number; readonly location: string }

/** What a route does with a path that servers read in more than one way. */
export interface PathRules {
  /** `%2F`: `decode` makes a slash of it before anything else looks at the path. */
  readonly encodedSlash: 'refuse' | 'keep' | 'decode'
  /** `\\` and `%5C`; kept as `%5C`. */
  readonly backslash: 'refuse' | 'keep'
  /** `;` and `%3B`. */
  readonly semicolon: 'refuse' | 'keep'
  /** `//`. */
  readonly doubleSlash: 'merge' | 'keep' | 'refuse'
}

export interface Route {
  readonly name: string
  readonly match: Match
  readonly pathRules: PathRules
  /** The route's own policies as written; the global ones come first. */
  readonly policies: readonly PolicyUse[]
  readonly target: TargetSpec
  /** Largest request body, bytes; 0 is no bound. */
  readonly bodyBytesMax: number
}

export interface ConsumerSpec {
  readonly name: string
  readonly apiKeys: readonly string[]
  readonly certificates: readonly CertificateName[]
}

/** How a client's certificate is named: its subject as in RFC 4514, most specific first, or one alternative name with its kind. */
export type CertificateName = { readonly subject: string } | { readonly san: string }

export interface SourceDelivery {
  readonly service: string
  readonly path: string
  /** Event types; empty is all. */
  readonly events: readonly string[]
}

export interface SourceSpec {
  readonly name: string
  /** Id of a signature scheme: `stripe`, `github`. */
  readonly provider: string
  /** Every active secret is tried. */
  readonly secrets: readonly string[]
  readonly deliver: readonly SourceDelivery[]
}

export interface EventTypeSpec {
  readonly name: string
  readonly description: string
  /** JSON Schema, or null. */
  readonly schema: unknown
  /** Where its deliveries are tried again otherwise than all. */
  readonly retries: Partial<RetrySpec>
}

/** When a delivery is tried again. */
export interface RetrySpec {
  /** Delays before attempts 2, 3, …, ms. */
  readonly scheduleMs: readonly number[]
  readonly jitter: 'full' | 'proportional'
  /** Age from which a message is attempted no more, ms; 0: never. */
  readonly expireMs: number
}

/** How long what was sent and received is kept, ms; 0: for ever. */
export interface RetentionSpec {
  readonly messagesMs: number
  readonly attemptsMs: number
}

export interface DeliverySpec {
  readonly retries: RetrySpec
  /** One bound over connect, TLS, upload, head and body of an attempt. */
  readonly timeoutMs: number
  /** A receiver that fails so often in a row is left alone, first for `openMs`, then for longer and longer. */
  readonly breaker: { readonly failures: number; readonly openMs: number; readonly openMsMax: number }
  /** An endpoint that only fails is disabled after so long, ms (0: never), its owner told after each of these. */
  readonly disable: { readonly afterMs: number; readonly warnAfterMs: readonly number[] }
}

/** An IP address and a port, or the path of a Unix socket. */
export type ListenAddress =
  | {
      /** IPv4 or IPv6 address. */
      readonly host: string
      readonly port: number
      /** `::` takes the connections of IPv4 as well. */
      readonly dualStack: boolean
    }
  | {
      /** Absolute. */
      readonly path: string
      /** Permission bits of the socket: who may connect. */
      readonly mode: number
    }

export interface ListenerOptions {
  /** Connections that may wait to be accepted, for each engine; the system has a bound of its own. */
  readonly backlog: number
  /** Open at once, over all engines; 0 is no bound. */
  readonly connectionsMax: number
  /** Open at once from one client address (IPv6: one /64), over all engines; 0 is no bound. */
  readonly connectionsPerClientMax: number
  /** Networks whose connections begin with a PROXY protocol header; null when none do. */
  readonly proxyProtocol: readonly string[] | null
  /** Null: in clear. */
  readonly tls: TlsSpec | null
  readonly timeouts: ClientTimeouts
}

/** How long clients may take. */
export interface ClientTimeouts {
  /** From a head's first byte to its last. */
  readonly headMs: number
  /** Longest silence while a body is read, or while an answer is not. */
  readonly bodyIdleMs: number
  /** A kept connection without a request. */
  readonly keepAliveMs: number
  /** Of a head, of a body, and of the reading of an answer; 0 bytes a second is no bound. */
  readonly rateMin: { readonly bytesPerSecond: number; readonly windowMs: number }
}

export type ListenerSpec = ListenAddress & ListenerOptions

/** As it is written in the file: `127.0.0.1:8080`, `[::]:8080`, `unix:/run/postern.sock`. */
export function listenerName(spec: ListenAddress): string {
  if ('path' in spec) return `unix:${spec.path}`
  return spec.host.includes(':') ? `[${spec.host}]:${spec.port}` : `${spec.host}:${spec.port}`
}

/** Who is believed about the client, and how it is told on. */
export interface ForwardedRules {
  /** Networks of the proxies in front of us; nobody else is believed. */
  readonly trusted: readonly string[]
  /** Which of the fields trusted proxies write: X-Forwarded-*, Forwarded (RFC 7239), or the first of these that is there. */
  readonly read: 'x-forwarded' | 'forwarded' | 'either'
  /** Which of them we write. */
  readonly write: 'x-forwarded' | 'forwarded' | 'both'
}

/** Whether messages are refused that name an event type nobody has registered, or break its schema. */
export interface PublishingRules {
  readonly unknownEvents: 'accept' | 'refuse'
  readonly invalidPayloads: 'accept' | 'refuse'
}

/** Everything a revision says, checked, defaults filled in, `${…}` resolved. What compiles to a snapshot. */
export interface DesiredState {
  readonly listeners: readonly ListenerSpec[]
  readonly admin: ListenerSpec
  /** Who certificates are ordered from; null: nobody. What is ordered stands at the listeners. */
  readonly acme: AcmeSpec | null
  /** `sqlite:PATH`, the path absolute. */
  readonly store: string
  /** What seals the store's secrets, base64 or hex; the first seals, every one opens. Empty: those of the file beside the store. */
  readonly sealingKeys: readonly string[]
  readonly counters: 'memory'
  /** Engine threads; `auto` in the file is resolved before it comes here. */
  readonly threads: number
  /** Largest heap of an engine thread, bytes: one that needs more ends, and is replaced. */
  readonly engineHeapMax: number
  readonly forwarded: ForwardedRules
  /** Our pseudonym in `Via`, lower case; empty: one of our own making. */
  readonly via: string
  readonly egress: {
    /** Networks that may be called although they are not public. */
    readonly allow: readonly string[]
    /** Networks that may not, whatever allows them. */
    readonly deny: readonly string[]
    /** The only ports that may be called; null: all but odd ones. */
    readonly ports: readonly number[] | null
    /** With the endpoints of consumers. */
    readonly tls: UpstreamTlsSpec
  }
  /** Where access records go: `stdout`, `off`, or a file's absolute path. */
  readonly accessLog: string
  readonly drain: {
    /** How long connections are still accepted after the wish to stop, ms. */
    readonly delayMs: number
    /** How long what runs may take to finish, ms. */
    readonly timeoutMs: number
  }
  readonly publishing: PublishingRules
  readonly delivery: DeliverySpec
  readonly retention: RetentionSpec
  readonly services: Readonly<Record<string, Service>>
  readonly consumers: Readonly<Record<string, ConsumerSpec>>
  readonly policies: readonly PolicyUse[]
  readonly routes: Readonly<Record<string, Route>>
  readonly sources: Readonly<Record<string, SourceSpec>>
  readonly eventTypes: Readonly<Record<string, EventTypeSpec>>
}

/** Every listener; the admin listener is the last. */
export function listenersOf(state: DesiredState): readonly ListenerSpec[] {
  return [...state.listeners, state.admin]
}
