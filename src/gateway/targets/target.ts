/** The ways a route ends, from what the configuration says to a function that does it. */
import { PROBLEMS } from '../../base/problem.ts'
import type { TargetSpec } from '../../model/gateway.ts'
import { type Reply, refuse } from '../../pipeline/reply.ts'
import type { LiveService } from '../../upstream/service.ts'
import { answer } from '../answer.ts'
import type { Target } from '../exchange.ts'
import { type TakenIn, handOver } from './hand-over.ts'
import { proxyTo } from './proxy.ts'

/** What targets need from the rest of the system; the composition root connects it. */
export interface TargetDeps {
  service(name: string): LiveService | null
  /** Verifies and stores a provider's webhook, answers its sender. */
  ingest(source: string, taken: TakenIn): Promise<Reply>
  /** Stores a request for later delivery to a service; 202 with a receipt. */
  defer(service: string, taken: TakenIn): Promise<Reply>
  /** Stores the body as an event. */
  publish(event: string, to: string, taken: TakenIn): Promise<Reply>
  /** What receivers of our webhooks may know; `query` with its question mark. */
  webhookKeys(query: string): Reply
}

export function compileTarget(spec: TargetSpec, deps: TargetDeps): Target {
  switch (spec.kind) {
    case 'proxy':
      return proxyTo(spec.service, (name) => deps.service(name))
    case 'ingest':
      return handOver((taken) => deps.ingest(spec.source, taken))
    case 'durable':
      return handOver((taken) => deps.defer(spec.service, taken))
    case 'publish':
      return handOver((taken) => deps.publish(spec.event, spec.to, taken))
    case 'webhook-keys':
      return (x) => answer(x, deps.webhookKeys(x.query))
    case 'reply': {
      const reply: Reply = {
        status: spec.status,
        headers: Object.entries(spec.headers).flat(),
        body: spec.body,
        code: 'reply',
      }
      return (x) => answer(x, reply)
    }
    case 'redirect': {
      const reply: Reply = { status: spec.status, headers: ['Location', spec.location], body: '', code: 'redirect' }
      return (x) => answer(x, reply)
    }
  }
}

/** No route: 405 when the path has one for another method, and says for which (RFC 9110 §15.5.6), else 404. */
export function notFound(allowed: (host: string, path: string) => readonly string[]): Target {
  return (x) => {
    const methods = allowed(x.head.host, x.path)
    if (methods.length === 0) return answer(x, refuse(PROBLEMS.routeNotFound))
    answer(x, refuse(PROBLEMS.methodNotAllowed, undefined, ['Allow', methods.join(', ')]))
  }
}
