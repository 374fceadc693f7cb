/** What of a received head goes on to the other leg: the only place that decides it. */
import { FIELD, FRAMING, type Head, type RequestHead, type ResponseHead } from '../wire/head.ts'
import { OutgoingHead } from '../wire/outgoing.ts'
import { announcedTrailers } from '../wire/trailers.ts'
import { type ClientLeg, type Forwarding, sayClient } from './forwarding.ts'

/** Fields that end at us in either direction (RFC 9110 §7.6.1), or that we say ourselves. */
const HOP_BY_HOP = [
  FIELD.connection,
  FIELD.keepAlive,
  FIELD.proxyConnection,
  FIELD.te,
  FIELD.trailer,
  FIELD.transferEncoding,
  FIELD.upgrade,
  FIELD.proxyAuthenticate,
  FIELD.proxyAuthorization,
]

/** What is dropped of a request, and of an answer. Indexed by FIELD. */
const REQUEST_DROPS = flags(...HOP_BY_HOP, FIELD.http2Settings, FIELD.underscored, FIELD.forwarded)
const RESPONSE_DROPS = flags(...HOP_BY_HOP)

/** Fields that `Connection` may not take away: without them a message is read differently, or by nobody's leave (F10). */
const NOT_NOMINABLE = new Set(['host', 'content-length', 'transfer-encoding', 'authorization', 'cookie', 'date'])

function flags(...fields: number[]): Uint8Array {
  const out = new Uint8Array(32)
  for (const field of fields) out[field] = 1
  return out
}

/** Fills `out` with a client's lines fit to go on: hop-by-hop and nominated ones dropped, the forwarded family rebuilt. */
export function forwardRequest(out: OutgoingHead, head: RequestHead, client: ClientLeg, how: Forwarding): void {
  out.reset(head)
  const { fields, count } = head
  for (let i = 0; i < count; i++) if (REQUEST_DROPS[fields[i]!] === 1) out.drop(i)
  if (head.nominates) dropNominated(out, head)
  // An old client may leave it empty (RFC 1945 knows no Host): then nobody is named, as if it were not there.
  if (head.authority === '' && head.hostLine !== -1) out.drop(head.hostLine)
  if (head.framing === FRAMING.none && !head.expectContinue) {
    const expect = head.find('expect')
    if (expect !== -1) out.drop(expect)
  }
  sayClient(out, head, client, how)
  out.appendOwn('Via', protocolOf(head) + how.via)
}

/**
 * Fills `out` with an upstream's lines fit to go on to the client. Content-Length stays: the caller drops it when it reframes.
 * `takesTrailers` says whether the client reads trailers.
 */
export function forwardResponse(
  out: OutgoingHead,
  head: ResponseHead,
  takesTrailers: boolean,
  { via }: Forwarding,
): void {
  out.reset(head)
  const { fields, count } = head
  for (let i = 0; i < count; i++) if (RESPONSE_DROPS[fields[i]!] === 1) out.drop(i)
  if (head.nominates) dropNominated(out, head)
  if (takesTrailers && head.framing === FRAMING.chunked) announceTrailers(out, head)
  out.appendOwn('Via', protocolOf(head) + via)
}

/** The protocol a message was received in, as Via says it (RFC 9110 §7.6.3). */
function protocolOf(head: RequestHead | ResponseHead): string {
  if (head.major === 2) return '2 '
  return head.minor === 0 ? '1.0 ' : '1.1 '
}

/** `Trailer` is about this hop like the framing it belongs to, so it is said anew where trailers can come. */
export function announceTrailers(out: OutgoingHead, head: Head): void {
  const names = announcedTrailers(head)
  if (names !== '') out.appendOwn('Trailer', names)
}

/**
 * Received trailers fit to follow a body whose head went out as `sent`. What somebody decided in the head cannot be said otherwise
 * after it: a receiver may merge the two. Null when none are left. A copy, for they may be sent later.
 */
export function forwardTrailers(trailers: Head, sent: OutgoingHead): OutgoingHead | null {
  const out = new OutgoingHead()
  out.reset(trailers)
  let left = trailers.count
  for (let i = 0; i < trailers.count; i++) {
    if (!sent.decides(trailers.name(i).toLowerCase())) continue
    out.drop(i)
    left--
  }
  if (left === 0) return null
  out.detach()
  return out
}

function dropNominated(out: OutgoingHead, head: RequestHead | ResponseHead): void {
  for (const value of head.all('connection')) {
    for (const option of value.split(',')) {
      const name = option.trim().toLowerCase()
      if (name === '' || NOT_NOMINABLE.has(name)) continue
      for (let i = 0; i < head.count; i++) if (head.is(i, name)) out.drop(i)
    }
  }
}
