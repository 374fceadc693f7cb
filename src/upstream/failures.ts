/** What a client is told when an upstream fails it. */
import { type Problem, PROBLEMS } from '../base/problem.ts'
import type { OutboundFailure } from '../wire/outbound.ts'

export const PROBLEM_OF: Readonly<Record<OutboundFailure, Problem>> = {
  'connect-refused': PROBLEMS.upstreamUnreachable,
  'connect-timeout': PROBLEMS.upstreamTimeout,
  'tls-failed': PROBLEMS.upstreamTlsFailed,
  'blocked-address': PROBLEMS.upstreamUnreachable,
  'name-not-found': PROBLEMS.upstreamUnreachable,
  reset: PROBLEMS.upstreamReset,
  'refused-stream': PROBLEMS.upstreamReset,
  'needs-http1': PROBLEMS.upstreamProtocol,
  'first-byte-timeout': PROBLEMS.upstreamTimeout,
  'idle-timeout': PROBLEMS.upstreamTimeout,
  'total-timeout': PROBLEMS.upstreamTimeout,
  'invalid-answer': PROBLEMS.upstreamInvalid,
}
