/** Sends an answer of our own, past the policies that decorate answers. */
import { httpDate } from '../base/clock.ts'
import { PROBLEMS } from '../base/problem.ts'
import { type Reply, refuse } from '../pipeline/reply.ts'
import type { ResponseView } from '../pipeline/response.ts'
import { runResponse } from '../pipeline/run.ts'
import { FRAMING } from '../wire/head.ts'
import { OutgoingHead } from '../wire/outgoing.ts'
import { statusText } from '../wire/status.ts'
import type { GatewayExchange } from './exchange.ts'
import { asGrpc, isGrpc } from './grpc.ts'

export function answer(x: GatewayExchange, reply: Reply): void {
  if (x.over) return
  x.actor = null
  x.reason = reply.code
  const headers = new OutgoingHead()
  const body = typeof reply.body === 'string' ? Buffer.from(reply.body) : reply.body
  const res: ResponseView = { status: reply.status, headers, fromUpstream: false, body }
  try {
    for (let i = 0; i < reply.headers.length; i += 2) headers.append(reply.headers[i]!, reply.headers[i + 1]!)
    const verdict = runResponse(x, res, x.route.pipeline)
    if (verdict instanceof Promise) {
      verdict
        .then((other) => (other === undefined ? send(x, res) : answer(x, other)))
        .catch((error: unknown) => fault(x, error))
    } else if (verdict === undefined) send(x, res)
    else answer(x, verdict)
  } catch (error) {
    fault(x, error)
  }
}

function send(x: GatewayExchange, res: ResponseView): void {
  if (x.over) return
  const { headers, status } = res
  const body = res.body ?? new Uint8Array(0)
  headers.appendOwn('Date', httpDate(x.host.clock.now()))
  if (status !== 204 && status !== 304) headers.set('Content-Length', String(body.length))
  x.status = status
  if (status >= 400 && isGrpc(x.head)) return sendGrpc(x, res)
  x.inbound.respond(status, statusText(status), headers, FRAMING.length, body.length)
  x.inbound.write(body, 0, body.length)
  x.inbound.flush()
  const { inbound } = x
  x.finish()
  inbound.end()
}

/** A refusal in the words of gRPC. The record keeps the status that it has everywhere else. */
function sendGrpc(x: GatewayExchange, { headers, status }: ResponseView): void {
  asGrpc(headers, status, x.reason)
  const { inbound } = x
  inbound.respond(200, statusText(200), headers, FRAMING.none, 0)
  x.finish()
  inbound.end()
}

/** A policy or target threw: a defect, told to the operator in the log and to the client as little as possible. */
export function fault(x: GatewayExchange, error: unknown): void {
  if (x.over) return
  x.host.log.error({ err: error, route: x.routeName, request: x.requestId }, 'an exchange failed')
  // Policies are not asked again: one of them may be what failed.
  x.entered = 0
  answer(x, refuse(PROBLEMS.policyFailed))
}
