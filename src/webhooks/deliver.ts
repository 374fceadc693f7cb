/** One attempt of a delivery: from the lease to the record of what came of it. */
import type { Clock } from '../base/clock.ts'
import { newId } from '../base/ids.ts'
import type { AttemptTrigger } from '../model/webhook.ts'
import type { ClaimedDelivery, Settlement } from '../store/port.ts'
import { call } from '../upstream/call.ts'
import type { Services } from '../upstream/service.ts'
import type { AddressGuard } from '../wire/address-guard.ts'
import type { OutboundRequest } from '../wire/outbound.ts'
import { OutgoingHead } from '../wire/outgoing.ts'
import type { Pool, Pools } from '../wire/pool.ts'
import { type Directory, type LiveEndpoint, serviceOf } from './directory.ts'
import { type Ending, type RetryRules, isExpired, outcomeByHand, outcomeOf, unsent } from './outcome.ts'

/** How much of an answer is kept with its attempt. */
const RESPONSE_BYTES_KEPT = 4_096
const USER_AGENT = 'Postern/0.1'
/** Of an attempt's request: the body's length is known, and nothing but an answer is wanted. */
const PLAIN = { chunked: false, upgrade: '', takesTrailers: false } as const

export interface DeliverDeps {
  readonly clock: Clock
  readonly directory: Directory
  readonly services: Services
  readonly pools: Pools
  readonly guard: AddressGuard
  /** How a message of this type is tried again. */
  readonly rulesOf: (eventType: string) => RetryRules
  /** Over connect, TLS, upload, head and body together. */
  readonly timeoutMs: number
}

/** Where an attempt goes and what it says. */
interface Request {
  readonly pool: Pool
  readonly url: string
  readonly outbound: OutboundRequest
}

/** An attempt that cannot be made, and where it would have gone. */
interface Refusal {
  readonly url: string
  readonly failure:
    | 'endpoint-deleted'
    | 'endpoint-disabled'
    | 'no-service'
    | 'unsendable'
    | 'blocked-address'
    | 'expired'
}

/**
 * Attempts a leased delivery and calls `done` exactly once with the settlement to record and how the attempt ended, perhaps before it returns. An attempt that
 * cannot even be built is recorded as failed: the lease ends with the record or with this process.
 */
export function deliver(
  claimed: ClaimedDelivery,
  trigger: AttemptTrigger,
  deps: DeliverDeps,
  done: (settlement: Settlement, ending: Ending) => void,
): void {
  const { clock, timeoutMs } = deps
  const { message } = claimed
  const rules = deps.rulesOf(message.eventType)
  const startedAt = clock.now()
  const began = clock.elapsed()
  const isLate = trigger === 'scheduled' && isExpired(message.createdAt, startedAt, rules.retries)
  const request = isLate ? expired(claimed, deps) : prepare(claimed, trigger, startedAt, deps)

  if ('failure' in request) settle(unsent(request.failure))
  else {
    const timeouts = { connectMs: timeoutMs, firstByteMs: timeoutMs, idleMs: timeoutMs, totalMs: timeoutMs }
    const body = message.payload
    call(request.pool, { request: request.outbound, body, timeouts, keepBytes: RESPONSE_BYTES_KEPT }, settle)
  }

  function settle(ending: Ending): void {
    const { delivery, before } = claimed
    const past = { attempts: delivery.attempts + 1, acceptedAt: message.createdAt }
    const judged = outcomeOf(ending, past, clock.now(), rules)
    const { state, nextAt, failure } = trigger === 'manual' ? outcomeByHand(judged, before) : judged
    const attempt = {
      id: newId('atmpt_', startedAt),
      deliveryId: delivery.id,
      messageId: delivery.messageId,
      endpointId: delivery.endpointId,
      url: request.url,
      status: ending.status,
      ok: failure === null,
      failure,
      response: ending.body,
      latencyMs: Math.round(clock.elapsed() - began),
      trigger,
      startedAt,
    }
    done({ attempt, state, nextAt }, ending)
  }
}

function expired({ delivery }: ClaimedDelivery, { directory }: DeliverDeps): Refusal {
  return { url: directory.endpoint(delivery.endpointId)?.endpoint.url ?? '', failure: 'expired' }
}

/** What to send, or why nothing can be sent. Somebody who asks for an attempt by hand means a disabled endpoint too. */
function prepare(
  claimed: ClaimedDelivery,
  trigger: AttemptTrigger,
  startedAt: number,
  deps: DeliverDeps,
): Request | Refusal {
  const { endpointId } = claimed.delivery
  const service = serviceOf(endpointId)
  const endpoint = service === null ? deps.directory.endpoint(endpointId) : null
  const url = endpoint?.endpoint.url ?? ''
  if (service === null && endpoint === null) return { url, failure: 'endpoint-deleted' }
  if (endpoint?.endpoint.disabled && trigger === 'scheduled') return { url, failure: 'endpoint-disabled' }
  let request: Request | null
  try {
    request = service === null ? toEndpoint(claimed, endpoint!, startedAt, deps) : toService(claimed, service, deps)
  } catch {
    return { url, failure: 'unsendable' } // a header that cannot be written
  }
  if (request === null) return { url, failure: 'no-service' }
  if (request.pool.refusal() !== null) return { url, failure: 'blocked-address' }
  return request
}

/** To a consumer's endpoint: the payload, signed for this attempt. */
function toEndpoint({ message }: ClaimedDelivery, to: LiveEndpoint, startedAt: number, deps: DeliverDeps): Request {
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
  }
}

/** To a service of the gateway: what was received, byte for byte, with its own headers. Null when there is no such service. */
function toService(
  { delivery, message }: ClaimedDelivery,
  to: { readonly service: string; readonly path: string },
  deps: DeliverDeps,
): Request | null {
  const instance = deps.services.get(to.service)?.pick() ?? null
  if (instance === null) return null
  const { received } = message
  const lines = new OutgoingHead()
  const headers = received?.headers ?? ['Content-Type', 'application/json']
  for (let i = 0; i < headers.length; i += 2) lines.append(headers[i]!, headers[i + 1]!)
  lines.set('Content-Length', String(message.payload.length))
  lines.set('Postern-Message-Id', message.id)
  lines.set('Postern-Attempt', String(delivery.attempts + 1))
  const method = received === null || to.path !== '' ? 'POST' : received.method
  const target = to.path !== '' ? to.path : (received?.target ?? '/')
  return {
    pool: instance.pool,
    url: instance.url + target,
    outbound: { method, target, host: instance.authority, headers: lines, ...PLAIN },
  }
}
