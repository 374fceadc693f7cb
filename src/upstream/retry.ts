/** Whether a failed try may be followed by another: only when nothing can happen twice. */
import type { OutboundFailure } from '../wire/outbound.ts'
import type { RequestHead } from '../wire/head.ts'
import type { LiveService } from './service.ts'

const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE'])

/** How often an upstream may refuse one request. */
const REFUSED_TRIES_MAX = 3

/** Failures before a byte was sent: another instance may be asked, whatever the method. */
const NOTHING_SENT: ReadonlySet<OutboundFailure> = new Set([
  'connect-refused',
  'connect-timeout',
  'tls-failed',
  'name-not-found',
])

/**
 * It may be sent twice: its method says so (RFC 9110 §9.2.2), or its sender does, with a key by which the service knows it again
 * (draft-ietf-httpapi-idempotency-key-header).
 */
export function isRepeatable(head: RequestHead): boolean {
  return IDEMPOTENT.has(head.method) || head.find('idempotency-key') !== -1
}

/**
 * For a request that can be sent once more as it was. `mayRepeat`: its connection died untouched and it is repeatable. `afresh`: to the same instance on a new connection, because a kept one died unused
 * (RFC 9112 §9.3.1); that cannot come twice, for the new one has no past. `elsewhere`: to the next instance, each at most once.
 */
export function tryAgain(
  failure: OutboundFailure,
  mayRepeat: boolean,
  tries: number,
  service: LiveService,
): 'afresh' | 'elsewhere' | 'no' {
  // Whatever the method, for nobody has acted on it; but not for ever.
  if (failure === 'refused-stream') return tries < REFUSED_TRIES_MAX ? 'afresh' : 'no'
  if (mayRepeat) return 'afresh'
  return NOTHING_SENT.has(failure) && tries < service.instances.length ? 'elsewhere' : 'no'
}
