/** The request of one attempt to a consumer's endpoint: what is sent, signed, with whatever says who we are. */
import type { Message } from '../model/webhook.ts'
import type { AddressGuard } from '../wire/address-guard.ts'
import { OutgoingHead } from '../wire/outgoing.ts'
import type { OutboundRequest } from '../wire/outbound.ts'
import type { Pool, Pools } from '../wire/pool.ts'
import { UpstreamTls, type UpstreamTlsOptions } from '../wire/upstream-tls.ts'
import { type Content, type NoContent, contentFor } from './content.ts'
import { type AuthHeader, type DestinationAuths, TokenRefused } from './destination-auth.ts'
import type { LiveEndpoint } from './directory.ts'
import type { Transformations } from './transformations.ts'

const USER_AGENT = 'Postern/0.1'
/** Of an attempt's request: the body's length is known, and nothing but an answer is wanted. */
export const PLAIN = { chunked: false, upgrade: '', takesTrailers: false } as const

/** Where an attempt goes and what it says. */
export interface Request {
  readonly pool: Pool
  readonly url: string
  readonly outbound: OutboundRequest
  readonly body: Uint8Array
  /** What said who we are; null when nothing did. */
  readonly auth: AuthHeader | null
}

/** An attempt that cannot be made, and where it would have gone. */
export interface Refusal {
  readonly url: string
  readonly failure:
    | NoContent['failure']
    | 'endpoint-deleted'
    | 'endpoint-disabled'
    | 'no-service'
    | 'unsendable'
    | 'payload-expunged'
    | 'blocked-address'
    | 'token-refused'
    | 'expired'
  /** For whoever looks at the attempt; empty when there is nothing to say. */
  readonly detail: string
}

export interface EndpointDeps {
  readonly pools: Pools
  readonly guard: AddressGuard
  readonly auths: DestinationAuths
  readonly transformations: Transformations
  /** How TLS is spoken where nothing more is said. */
  readonly tls: UpstreamTlsOptions
  /** Over connect, TLS, upload, head and body together. */
  readonly timeoutMs: number
}

/** At once unless code has to run or a token has to be fetched. Throws, or rejects with, what cannot be written or signed. */
export function toEndpoint(
  message: Message,
  to: LiveEndpoint,
  startedAt: number,
  deps: EndpointDeps,
): Request | Refusal | Promise<Request | Refusal> {
  if (to.isPlain) return plainRequest(message, to, startedAt, deps)
  const { auth } = to.endpoint.sending
  const content = contentFor(to, message, deps.transformations)
  const header = auth === null ? null : deps.auths.headerFor(auth, deps.timeoutMs)
  if (!(content instanceof Promise) && !(header instanceof Promise))
    return requestOf(message, to, startedAt, deps, content, header)
  return Promise.all([content, header]).then(
    ([content, header]) => requestOf(message, to, startedAt, deps, content, header),
    (error: unknown) => {
      if (!(error instanceof TokenRefused)) throw error
      return { url: to.endpoint.url, failure: 'token-refused', detail: error.message }
    },
  )
}

/** The hot path: the payload as published, signed, with the endpoint's own headers. */
function plainRequest(message: Message, to: LiveEndpoint, startedAt: number, deps: EndpointDeps): Request {
  const lines = new OutgoingHead()
  lines.appendOwn('Host', to.host)
  lines.appendOwn('User-Agent', USER_AGENT)
  lines.appendOwn('Content-Type', 'application/json')
  lines.appendOwn('Content-Length', String(message.payload.length))
  to.signer.sign(lines, message, startedAt, message.payload)
  const { headers } = to.endpoint
  for (const name in headers) lines.set(name, headers[name]!)
  return {
    pool: deps.pools.of(to.origin, deps.guard),
    url: to.endpoint.url,
    outbound: { method: 'POST', target: to.target, host: to.host, headers: lines, ...PLAIN },
    body: message.payload,
    auth: null,
  }
}

function requestOf(
  message: Message,
  to: LiveEndpoint,
  startedAt: number,
  deps: EndpointDeps,
  content: Content | NoContent,
  auth: AuthHeader | null,
): Request | Refusal {
  if ('failure' in content) return { url: to.endpoint.url, ...content }
  const { method, url, origin, host, target, body, contentType, headers } = content
  const lines = new OutgoingHead()
  lines.appendOwn('Host', host)
  lines.appendOwn('User-Agent', USER_AGENT)
  lines.appendOwn('Content-Type', contentType)
  lines.appendOwn('Content-Length', String(body.length))
  to.signer.sign(lines, message, startedAt, body)
  for (const [name, value] of [...Object.entries(to.endpoint.headers), ...Object.entries(headers)])
    lines.set(name, value)
  if (auth !== null) lines.set(auth.name, auth.value)
  const tls = clientTls(to, deps.tls)
  const pool = deps.pools.of(origin, deps.guard, tls === null ? {} : { tls })
  return { pool, url, outbound: { method, target, host, headers: lines, ...PLAIN }, body, auth }
}

/** Made once for an endpoint and what holds for all: its id is a hash over the certificate. */
const made = new WeakMap<LiveEndpoint, { readonly of: UpstreamTlsOptions; readonly tls: UpstreamTls }>()

/** Null: as for everybody. */
function clientTls(to: LiveEndpoint, usual: UpstreamTlsOptions): UpstreamTls | null {
  const { clientCertificate } = to.endpoint.sending
  if (clientCertificate === null) return null
  const known = made.get(to)
  if (known?.of === usual) return known.tls
  const certificate = { chain: clientCertificate.certificate, key: clientCertificate.key }
  const tls = new UpstreamTls({ ...usual, certificate })
  made.set(to, { of: usual, tls })
  return tls
}
