/** Is this request from who it says? One answer for every scheme, and never a reason to skip the question. */
import { timingSafeEqual } from 'node:crypto'
import { type Candidates, readCandidates, valuesOf } from './candidates.ts'
import { contentHmac, isUnambiguousId } from './content.ts'
import { type EventIdentity, identifyEvent } from './event.ts'
import type { Keys } from './keys.ts'
import type { SignedRequest } from './request.ts'
import type { Scheme } from './scheme.ts'
import { isFresh, parseTimestamp } from './timestamp.ts'

export interface Verified extends EventIdentity {
  readonly ok: true
  /** Which of the keys matched, counted from 0 in the order of the secrets: tells when an old one is no longer in use. */
  readonly keyIndex: number
}

export interface Rejected {
  readonly ok: false
  /**
   * `missing`: a header the scheme needs is not there. `malformed`: it cannot be read, or could be read two ways. `expired`: the
   * time is too far from ours, either way. `mismatch`: no key made any of the signatures.
   */
  readonly reason: 'missing' | 'malformed' | 'expired' | 'mismatch'
}

const MISSING: Rejected = { ok: false, reason: 'missing' }
const MALFORMED: Rejected = { ok: false, reason: 'malformed' }
const EXPIRED: Rejected = { ok: false, reason: 'expired' }
const MISMATCH: Rejected = { ok: false, reason: 'mismatch' }

/**
 * Tries every key against every signature offered. `keys` come from prepareKeys for the same scheme; `nowMs` is the wall clock.
 * The time is checked first, so that an old capture costs no hashing; the body is parsed only after a match.
 */
export function verify(scheme: Scheme, request: SignedRequest, keys: Keys, nowMs: number): Verified | Rejected {
  const lines = request.header(scheme.signature.header)
  if (lines.length === 0) return MISSING
  const candidates = readCandidates(scheme.signature, lines)
  if (candidates === null) return MALFORMED

  const id = scheme.idHeader === null ? '' : only(request.header(scheme.idHeader))
  if (typeof id !== 'string') return id
  if (!isUnambiguousId(scheme, id)) return MALFORMED

  const timestamp = timestampText(scheme, request, candidates)
  if (typeof timestamp !== 'string') return timestamp
  if (scheme.timestamp !== null) {
    const stampMs = parseTimestamp(timestamp, scheme.timestamp.unit)
    if (stampMs === null) return MALFORMED
    if (!isFresh(stampMs, scheme.timestamp, nowMs)) return EXPIRED
  }

  const content = { id, timestamp, body: request.body }
  for (const [keyIndex, key] of keys.entries()) {
    const expected = contentHmac(scheme, key, content).digest()
    for (const signature of candidates.signatures) {
      if (sameBytes(expected, signature)) return { ok: true, keyIndex, ...identifyEvent(scheme, request) }
    }
  }
  return MISMATCH
}

function timestampText(scheme: Scheme, request: SignedRequest, candidates: Candidates): string | Rejected {
  if (scheme.timestamp === null) return ''
  const { from, name } = scheme.timestamp
  if (from === 'header') return only(request.header(name))
  const values = valuesOf(candidates.pairs, name)
  return values.length === 1 ? values[0]! : MALFORMED
}

function only(values: readonly string[]): string | Rejected {
  if (values.length === 0) return MISSING
  return values.length === 1 ? values[0]! : MALFORMED
}

/** Takes the same time wherever the first difference is, and does a comparison of the same size for a wrong length too. */
function sameBytes(expected: Buffer, signature: Buffer): boolean {
  if (signature.length === expected.length) return timingSafeEqual(expected, signature)
  timingSafeEqual(expected, expected)
  return false
}
