/** The life of a request, from its head to its target. */
import { PROBLEMS } from '../base/problem.ts'
import { refuse, type Reply } from '../pipeline/reply.ts'
import { runRequest } from '../pipeline/run.ts'
import type { Inbound } from '../wire/inbound.ts'
import { isPlainPath, pathEnd } from '../wire/path.ts'
import { hasPassed } from '../wire/via.ts'
import { answer, fault } from './answer.ts'
import { challengeReply } from './challenge.ts'
import { type CompiledRoute, type ExchangeHost, GatewayExchange } from './exchange.ts'
import { findRoute } from './find-route.ts'
import { readWholeBody } from './read-body.ts'
import type { Found } from './router.ts'
import type { Snapshot } from './snapshot.ts'

export function handle(host: ExchangeHost, snapshot: Snapshot, inbound: Inbound): void {
  const { head } = inbound
  const x = new GatewayExchange(host, inbound, snapshot.noRoute, host.clock.elapsed())

  if (snapshot.proxies !== null && snapshot.proxies.trusts(x.clientAddress)) {
    x.cameThrough(snapshot.proxies.told(head, x.clientAddress))
  }
  if (head.passed && hasPassed(head, snapshot.forwarding.via)) return answer(x, refuse(PROBLEMS.loopDetected))

  // What the handshake has asked of the client was for another name than the one it calls (RFC 9110 §15.5.20).
  if (inbound.tls !== null && !inbound.tls.answersFor(head.host)) return answer(x, refuse(PROBLEMS.misdirectedRequest))

  const end = pathEnd(head.target)
  const path = end === head.target.length ? head.target : head.target.slice(0, end)
  x.query = end === head.target.length ? '' : head.target.slice(end)
  if (host.challenges !== null && inbound.tls === null) {
    const reply = challengeReply(host.challenges, head.method, path)
    if (reply !== null) {
      x.path = path
      return answer(x, reply)
    }
  }
  let found: Found<CompiledRoute> | null
  if (isPlainPath(path, end)) {
    x.path = path
    // `OPTIONS *` asks about the server, not about a path: no route is it.
    found = path === '*' ? null : snapshot.router.find(head.host, head.method, path)
  } else {
    const met = findRoute(snapshot.router, head.host, head.method, path)
    if ('refusal' in met) return answer(x, refuse(PROBLEMS.ambiguousPath, met.refusal))
    x.path = met.path
    found = met.found
  }
  if (found !== null) {
    x.route = found.value
    x.routeName = found.value.name
    if (found.params !== null) x.params = found.params
  }

  try {
    const { pipeline } = x.route
    const verdict = pipeline.requestBodyMax === 0 ? runRequest(x, pipeline) : withBody(x, pipeline.requestBodyMax)
    if (verdict instanceof Promise)
      verdict.then((reply) => proceed(x, reply)).catch((error: unknown) => fault(x, error))
    else proceed(x, verdict)
  } catch (error) {
    fault(x, error)
  }
}

/** The policies have spoken: answer what one of them said, or go to the route's target. */
function proceed(x: GatewayExchange, reply: Reply | undefined | void): void {
  if (x.over) return
  if (reply !== undefined) return answer(x, reply)
  x.route.target(x)
}

async function withBody(x: GatewayExchange, bytesMax: number): Promise<Reply | undefined | void> {
  const refusal = await readWholeBody(x, bytesMax)
  return refusal !== undefined || x.over ? refusal : runRequest(x, x.route.pipeline)
}
