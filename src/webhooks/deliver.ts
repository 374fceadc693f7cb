/** One attempt of a delivery: from the lease to the record of what came of it. */
import type { Clock } from '../base/clock.ts'
import { newId } from '../base/ids.ts'
import type { AttemptTrigger } from '../model/webhook.ts'
import type { ClaimedDelivery, Settlement } from '../store/port.ts'
import { call } from '../upstream/call.ts'
import type { Services } from '../upstream/service.ts'
import { OutgoingHead } from '../wire/outgoing.ts'
import type { AuthHeader } from './destination-auth.ts'
import { type Directory, serviceOf } from './directory.ts'
import { type Ending, type RetryRules, isExpired, outcomeByHand, outcomeOf, unsent } from './outcome.ts'
import { type EndpointDeps, PLAIN, type Refusal, type Request, toEndpoint } from './to-endpoint.ts'

/** How much of an answer is kept with its attempt. */
const RESPONSE_BYTES_KEPT = 4_096

export interface DeliverDeps extends EndpointDeps {
  readonly clock: Clock
  readonly directory: Directory
  readonly services: Services
  /** How a message of this type is tried again. */
  readonly rulesOf: (eventType: string) => RetryRules
}

/**
 * Attempts a leased delivery and calls `done` exactly once with the settlement to record and how the attempt ended, perhaps before it
 * returns. An attempt that cannot even be built is recorded as failed: the lease ends with the record or with this process.
 */
export function deliver(
  claimed: ClaimedDelivery,
  trigger: AttemptTrigger,
  deps: DeliverDeps,
  done: (settlement: Settlement, ending: Ending) => void,
): void {
  const { clock, timeoutMs } = deps
  const { message, delivery, before } = claimed
  const rules = deps.rulesOf(message.eventType)
  const startedAt = clock.now()
  const began = clock.elapsed()
  let url = ''
  // What is replayed, or was to be sent later, is as young as when it became due: a replay is attempted whatever its message's age.
  const acceptedAt =
    delivery.attempts === 0 ? (before.nextAt ?? message.createdAt) : (message.deliverAt ?? message.createdAt)
  const isLate = trigger === 'scheduled' && isExpired(acceptedAt, startedAt, rules.retries)
  const prepared = isLate ? expired(claimed, deps) : prepare(claimed, trigger, startedAt, deps)
  if (prepared instanceof Promise) void prepared.then(send)
  else send(prepared)

  function send(request: Request | Refusal): void {
    ;({ url } = request)
    if ('failure' in request) return settle({ ...unsent(request.failure), body: request.detail })
    const { pool, outbound, body, auth } = request
    // What was spent on preparing is the deadline's.
    const leftMs = Math.max(1, timeoutMs - (clock.elapsed() - began))
    const timeouts = { connectMs: leftMs, firstByteMs: leftMs, idleMs: leftMs, totalMs: leftMs }
    call(pool, { request: outbound, body, timeouts, keepBytes: RESPONSE_BYTES_KEPT }, (ending) => {
      if (ending.status === 401 && auth !== null) refuseToken(claimed, auth, deps)
      settle(ending)
    })
  }

  function settle(ending: Ending): void {
    const past = { attempts: delivery.attempts + 1, acceptedAt }
    const judged = outcomeOf(ending, past, clock.now(), rules)
    const { state, nextAt, failure } = trigger === 'manual' ? outcomeByHand(judged, before) : judged
    const attempt = {
      id: newId('atmpt_', startedAt),
      deliveryId: delivery.id,
      messageId: delivery.messageId,
      endpointId: delivery.endpointId,
      url,
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

/**
 * What to send, or why nothing can be sent; a promise where that takes time, which never rejects. Somebody who asks for an attempt by
 * hand means a disabled endpoint too.
 */
function prepare(
  claimed: ClaimedDelivery,
  trigger: AttemptTrigger,
  startedAt: number,
  deps: DeliverDeps,
): Request | Refusal | Promise<Request | Refusal> {
  const { endpointId } = claimed.delivery
  const service = serviceOf(endpointId)
  const endpoint = service === null ? deps.directory.endpoint(endpointId) : null
  const url = endpoint?.endpoint.url ?? ''
  if (service === null && endpoint === null) return refusal(url, 'endpoint-deleted')
  if (claimed.message.expunged) return refusal(url, 'payload-expunged')
  if (endpoint?.endpoint.disabled && trigger === 'scheduled') return refusal(url, 'endpoint-disabled')
  const unsendable = () => refusal(url, 'unsendable') // a header that cannot be written, a secret that is none
  try {
    const request =
      service === null ? toEndpoint(claimed.message, endpoint!, startedAt, deps) : toService(claimed, service, deps)
    return request instanceof Promise ? request.then(dialable, unsendable) : dialable(request)
  } catch {
    return unsendable()
  }
}

function expired({ delivery }: ClaimedDelivery, { directory }: DeliverDeps): Refusal {
  return refusal(directory.endpoint(delivery.endpointId)?.endpoint.url ?? '', 'expired')
}

function dialable(request: Request | Refusal): Request | Refusal {
  if ('failure' in request || request.pool.refusal() === null) return request
  return refusal(request.url, 'blocked-address')
}

function refusal(url: string, failure: Refusal['failure']): Refusal {
  return { url, failure, detail: '' }
}

function refuseToken({ delivery }: ClaimedDelivery, header: AuthHeader, deps: DeliverDeps): void {
  const auth = deps.directory.endpoint(delivery.endpointId)?.endpoint.sending.auth ?? null
  if (auth !== null) deps.auths.refused(auth, header)
}

/** To a service of the gateway: what was received, byte for byte, with its own headers. */
function toService(
  { delivery, message }: ClaimedDelivery,
  to: { readonly service: string; readonly path: string },
  deps: DeliverDeps,
): Request | Refusal {
  const instance = deps.services.get(to.service)?.pick() ?? null
  if (instance === null) return refusal('', 'no-service')
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
    body: message.payload,
    auth: null,
  }
}
