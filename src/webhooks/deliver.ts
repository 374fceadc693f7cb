/** One attempt of a delivery: from the lease to the record of what came of it. */
import type { Clock } from '../base/clock.ts'
import { newId } from '../base/ids.ts'
import type { AttemptTrigger } from '../model/webhook.ts'
import { signStandard } from '../signatures/standard.ts'
import type { ClaimedDelivery, Settlement } from '../store/port.ts'
import { type CallResult, call } from '../upstream/call.ts'
import { requestHead } from '../upstream/request-head.ts'
import type { Services } from '../upstream/service.ts'
import type { AddressGuard } from '../wire/address-guard.ts'
import { OutgoingHead } from '../wire/outgoing.ts'
import type { Pool, Pools } from '../wire/pool.ts'
import { type Directory, type LiveEndpoint, serviceOf } from './directory.ts'
import { type RetryRules, outcomeOf } from './outcome.ts'

/** How much of an answer is kept with its attempt. */
const RESPONSE_BYTES_KEPT = 4_096
const USER_AGENT = 'Postern/0.1'

export interface DeliverDeps {
  readonly clock: Clock
  readonly directory: Directory
  readonly services: Services
  readonly pools: Pools
  readonly guard: AddressGuard
  readonly rules: RetryRules
  /** Over connect, TLS, upload, head and body together. */
  readonly timeoutMs: number
}

/** Where an attempt goes and what it says. */
interface Request {
  readonly pool: Pool
  readonly url: string
  readonly method: string
  readonly head: string
}

/**
 * Attempts a leased delivery and calls `done` exactly once with the settlement to record. It cannot throw and cannot be silent: an
 * attempt that cannot even be built is recorded as failed, and the lease ends with the record or with this process.
 */
export function deliver(
  { delivery, message }: ClaimedDelivery,
  trigger: AttemptTrigger,
  deps: DeliverDeps,
  done: (settlement: Settlement) => void,
): void {
  const startedAt = deps.clock.now()
  const began = deps.clock.elapsed()
  const attempts = delivery.attempts + 1
  let url = ''
  let over = false

  const settle = (result: CallResult, state?: 'cancelled' | 'held', why?: string) => {
    if (over) return
    over = true
    const outcome = outcomeOf(result, attempts, deps.clock.now(), deps.rules)
    done({
      attempt: {
        id: newId('atmpt_', startedAt),
        deliveryId: delivery.id,
        messageId: message.id,
        endpointId: delivery.endpointId,
        url,
        status: result.status,
        ok: outcome.state === 'delivered',
        failure: why ?? outcome.failure,
        response: result.body,
        latencyMs: Math.round(deps.clock.elapsed() - began),
        trigger,
        startedAt,
      },
      state: state ?? outcome.state,
      nextAt: state === undefined ? outcome.nextAt : null,
    })
  }

  try {
    const service = serviceOf(delivery.endpointId)
    const endpoint = service === null ? deps.directory.endpoint(delivery.endpointId) : null
    if (service === null && endpoint === null) return settle(UNSENT, 'cancelled', 'endpoint-deleted')
    if (endpoint?.endpoint.disabled && trigger === 'scheduled') return settle(UNSENT, 'held', 'endpoint-disabled')

    const claimed = { delivery, message }
    const request =
      endpoint === null ? toService(claimed, service!, deps) : toEndpoint(claimed, endpoint, startedAt, deps)
    if (request === null) return settle(UNSENT, undefined, 'no-service')
    url = request.url
    if (request.pool.refusal() !== null) return settle({ ...UNSENT, failure: 'blocked-address' })

    const { timeoutMs } = deps
    call(
      request.pool,
      {
        head: request.head,
        method: request.method,
        body: message.payload,
        timeouts: { connectMs: timeoutMs, firstByteMs: timeoutMs, idleMs: timeoutMs, totalMs: timeoutMs },
        keepBytes: RESPONSE_BYTES_KEPT,
      },
      (result) => settle(result),
    )
  } catch {
    settle(UNSENT, undefined, 'unsendable')
  }
}

const UNSENT: CallResult = { status: 0, failure: 'connect-refused', body: '', retryAfter: null }

/** To a consumer's endpoint: the payload, signed for this attempt. */
function toEndpoint({ message }: ClaimedDelivery, to: LiveEndpoint, startedAt: number, deps: DeliverDeps): Request {
  const signed = signStandard(message.id, Math.floor(startedAt / 1_000), message.payload, to.keys)
  const lines = new OutgoingHead()
  lines.appendOwn('Host', to.host)
  lines.appendOwn('User-Agent', USER_AGENT)
  lines.appendOwn('Content-Type', 'application/json')
  lines.appendOwn('Content-Length', String(message.payload.length))
  lines.appendOwn('webhook-id', signed['webhook-id'])
  lines.appendOwn('webhook-timestamp', signed['webhook-timestamp'])
  lines.appendOwn('webhook-signature', signed['webhook-signature'])
  const { headers } = to.endpoint
  for (const name in headers) lines.set(name, headers[name]!)
  return {
    pool: deps.pools.of(to.origin, deps.guard),
    url: to.endpoint.url,
    method: 'POST',
    head: requestHead({ method: 'POST', target: to.target, host: to.host }, lines, false, ''),
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
    method,
    head: requestHead({ method, target, host: instance.name }, lines, false, ''),
  }
}
