/** The life of a request, from its head to its target. */
import { PROBLEMS } from '../base/problem.ts'
import { refuse, type Reply } from '../pipeline/reply.ts'
import { runRequest } from '../pipeline/run.ts'
import type { Inbound } from '../wire/inbound.ts'
import { canonicalPath, pathEnd } from '../wire/path.ts'
import { hasPassed } from '../wire/via.ts'
import { answer, fault } from './answer.ts'
import { type ExchangeHost, GatewayExchange } from './exchange.ts'
import { readWholeBody } from './read-body.ts'
import type { Snapshot } from './snapshot.ts'

export function handle(host: ExchangeHost, snapshot: Snapshot, inbound: Inbound): void {
  const { head } = inbound
  const x = new GatewayExchange(host, inbound, snapshot.noRoute, host.clock.elapsed())

  if (snapshot.proxies !== null && snapshot.proxies.trusts(x.clientAddress)) {
    x.cameThrough(snapshot.proxies.told(head, x.clientAddress))
  }
  if (head.passed && hasPassed(head, snapshot.forwarding.via)) return answer(x, refuse(PROBLEMS.loopDetected))

  const end = pathEnd(head.target)
  const path = canonicalPath(head.target, end)
  if (path === null) return answer(x, refuse(PROBLEMS.ambiguousPath))
  x.path = path
  x.query = end === head.target.length ? '' : head.target.slice(end)

  // `OPTIONS *` asks about the server, not about a path: no route is it.
  const found = path === '*' ? null : snapshot.router.find(head.host, head.method, path)
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
