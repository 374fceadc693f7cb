/** When a certificate is ordered anew, and when again after a failure. */
import type { OrderedCertificate } from '../model/tls.ts'
import { CaRefusal, CaUnreachable } from './failure.ts'

/** Of a CA that does not answer: it may be back any moment. */
const UNREACHABLE_MS = { first: 5_000, most: 600_000 }
/** Of one that says no: Let's Encrypt takes five failed validations of a name an hour, and a name that stands wrong in DNS stands there long. */
const REFUSED_MS = { first: 60_000, most: 21_600_000 }
/** Of one that says too much, but not for how long. */
const LIMITED_MS = 3_600_000

/**
 * Wall clock, ms: `renewBeforeMs` ahead of its end, or up to a tenth of that later, so that not everything is renewed at once. A
 * certificate that lives shortly is not renewed before the middle of its life.
 */
export function renewAt(certificate: OrderedCertificate, renewBeforeMs: number, random: () => number): number {
  const { issuedAt, expiresAt } = certificate
  const before = Math.min(renewBeforeMs, (expiresAt - issuedAt) / 2)
  return Math.round(expiresAt - before * (1 - 0.1 * random()))
}

/** How long to wait after the nth failure in a row (from 1), ms. Never less than the CA asks for; jitter is up to a quarter more. */
export function retryMs(error: unknown, failures: number, random: () => number): number {
  const { first, most } = error instanceof CaUnreachable ? UNREACHABLE_MS : REFUSED_MS
  const step = Math.min(most, first * 2 ** Math.min(failures - 1, 20))
  const asked = error instanceof CaRefusal ? error.retryAfterMs : 0
  const least = asked > 0 ? asked : error instanceof CaRefusal && error.isRateLimit ? LIMITED_MS : 0
  return Math.round(Math.max(step, least) * (1 + 0.25 * random()))
}
