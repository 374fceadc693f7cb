/** Whether a failed try may be followed by another: only when nothing can happen twice. */
import type { OutboundFailure } from '../wire/outbound.ts'
import type { LiveService } from './service.ts'

/** Methods whose request may be sent twice (RFC 9110 §9.2.2). */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE'])

/** Failures before a byte was sent: another instance may be asked, whatever the method. */
const NOTHING_SENT: ReadonlySet<OutboundFailure> = new Set([
  'connect-refused',
  'connect-timeout',
  'tls-failed',
  'name-not-found',
])

/**
 * For a request whose body has not begun to flow. `afresh`: to the same instance on a new connection, because a kept one died unused
 * (RFC 9112 §9.3.1); that cannot come twice, for the new one has no past. `elsewhere`: to the next instance, each at most once.
 */
export function tryAgain(
  failure: OutboundFailure,
  untouched: boolean,
  method: string,
  tries: number,
  service: LiveService,
): 'afresh' | 'elsewhere' | 'no' {
  if (untouched && IDEMPOTENT.has(method)) return 'afresh'
  return NOTHING_SENT.has(failure) && tries < service.instances.length ? 'elsewhere' : 'no'
}
