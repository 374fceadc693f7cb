/** Targets that end in the store instead of an upstream: take the request in whole, hand it over, answer what comes back. */
import type { Received } from '../../model/webhook.ts'
import type { Reply } from '../../pipeline/reply.ts'
import { OutgoingHead } from '../../wire/outgoing.ts'
import { forwardRequest } from '../../upstream/request-head.ts'
import { answer, fault } from '../answer.ts'
import type { GatewayExchange, Target } from '../exchange.ts'
import { readWholeBody } from '../read-body.ts'

/** A request taken in whole, for whoever stores it. */
export interface TakenIn {
  readonly received: Received
  readonly body: Uint8Array
  readonly routeName: string
}

/** Largest body that is stored when the route does not say less. */
const STORED_BYTES_MAX = 64 * 1024 * 1024

export function handOver(store: (taken: TakenIn) => Promise<Reply>): Target {
  return (x) => {
    take(x, store).catch((error: unknown) => fault(x, error))
  }
}

async function take(x: GatewayExchange, store: (taken: TakenIn) => Promise<Reply>): Promise<void> {
  const refusal = await readWholeBody(x, STORED_BYTES_MAX)
  if (refusal !== undefined) return answer(x, refusal)
  if (x.over) return
  const lines = new OutgoingHead()
  forwardRequest(lines, x.head, x, x.route.forwarding)
  const { upstreamRequest } = x.route.pipeline
  if (upstreamRequest !== null) {
    for (const policy of upstreamRequest) {
      const reply = await policy.upstreamRequest!(x, lines)
      if (reply !== undefined) return answer(x, reply)
    }
  }
  lines.remove('expect')
  const reply = await store({
    received: { method: x.head.method, target: x.path + x.query, headers: [...lines.entries()].flat() },
    body: x.requestBody ?? new Uint8Array(0),
    routeName: x.routeName,
  })
  answer(x, reply)
}
