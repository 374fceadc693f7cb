/** What gRPC needs of a gateway beyond HTTP/2: its deadline kept, and our own refusals in its own words. */
import type { Timeouts } from '../model/gateway.ts'
import type { RequestHead } from '../wire/head.ts'
import type { OutgoingHead } from '../wire/outgoing.ts'

/** gRPC itself, not gRPC-Web: that speaks HTTP/1.1 too and has its trailers in the body. */
const CONTENT_TYPE = /^application\/grpc(?:$|[+;])/i

export function isGrpc(head: RequestHead): boolean {
  if (head.major !== 2 || head.method !== 'POST') return false
  const type = head.get('content-type')
  return type !== null && CONTENT_TYPE.test(type)
}

const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 0.001, n: 0.000_001 }

/** How long the client waits, ms, at least 1; 0 when it does not say, or not so that it can be read. */
function grpcTimeoutMs(head: RequestHead): number {
  const timeout = /^(\d{1,8})([HMSmun])$/.exec(head.get('grpc-timeout') ?? '')
  return timeout === null ? 0 : Math.max(1, Math.ceil(Number(timeout[1]) * UNIT_MS[timeout[2]!]!))
}

/** The service's timeouts, the total bounded by what is left of a gRPC client's deadline `elapsedMs` after it was said. */
export function timeoutsFor(head: RequestHead, timeouts: Timeouts, elapsedMs: number): Timeouts {
  if (!isGrpc(head)) return timeouts
  const deadlineMs = grpcTimeoutMs(head)
  if (deadlineMs === 0) return timeouts
  const leftMs = Math.max(1, deadlineMs - elapsedMs)
  return { ...timeouts, totalMs: timeouts.totalMs === 0 ? leftMs : Math.min(timeouts.totalMs, leftMs) }
}

/** gRPC's status codes by the HTTP status of a refusal. */
const STATUS: Readonly<Record<number, number>> = {
  400: 3, // INVALID_ARGUMENT
  401: 16, // UNAUTHENTICATED
  403: 7, // PERMISSION_DENIED
  404: 12, // UNIMPLEMENTED: no such method is served here
  405: 12,
  408: 4, // DEADLINE_EXCEEDED
  409: 10, // ABORTED
  413: 8, // RESOURCE_EXHAUSTED
  429: 8,
  431: 8,
  500: 13, // INTERNAL
  501: 12,
  502: 14, // UNAVAILABLE
  503: 14,
  504: 4,
}
const UNKNOWN = 2

/** Turns the head of an answer of our own into one that gRPC reads: status and message, and nothing after them. */
export function asGrpc(headers: OutgoingHead, status: number, code: string): void {
  headers.set('Content-Type', 'application/grpc')
  headers.remove('content-length')
  headers.set('grpc-status', String(STATUS[status] ?? UNKNOWN))
  headers.set('grpc-message', code)
}
