/** Runs the policies of a route at their moments. Nothing is awaited that is not a promise. */
import type { OutgoingHead } from '../wire/outgoing.ts'
import type { Pipeline } from './compile.ts'
import type { Exchange } from './exchange.ts'
import type { Policy, Verdict } from './policy.ts'
import type { Reply } from './reply.ts'
import type { ResponseView } from './response.ts'

/** Runs `request` from step `from`. A Reply ends the exchange; `x.entered` says how far it came, for `runResponse`. */
export function runRequest(x: Exchange, pipeline: Pipeline, from = 0): Verdict {
  const steps = pipeline.request
  if (steps !== null) {
    for (let i = from; i < steps.length; i++) {
      const { policy, place } = steps[i]!
      x.entered = place
      const verdict = policy.request!(x)
      if (verdict === undefined) continue
      if (verdict instanceof Promise)
        return verdict.then((reply) => reply ?? (x.over ? undefined : runRequest(x, pipeline, i + 1)))
      return verdict
    }
  }
  x.entered = pipeline.order.length
}

export function runUpstreamRequest(x: Exchange, out: OutgoingHead, policies: readonly Policy[], from = 0): Verdict {
  for (let i = from; i < policies.length; i++) {
    const verdict = policies[i]!.upstreamRequest!(x, out)
    if (verdict === undefined) continue
    if (verdict instanceof Promise)
      return verdict.then((reply) => reply ?? (x.over ? undefined : runUpstreamRequest(x, out, policies, i + 1)))
    return verdict
  }
}

/** Runs `response` backwards over the policies that came before the one that ended the exchange. A Reply replaces the answer. */
export function runResponse(x: Exchange, res: ResponseView, pipeline: Pipeline, from = 0): Verdict {
  const steps = pipeline.response
  if (steps === null) return
  for (let i = from; i < steps.length; i++) {
    const { policy, place } = steps[i]!
    if (place >= x.entered) continue
    const verdict = policy.response!(x, res)
    if (verdict === undefined) continue
    if (verdict instanceof Promise) {
      return verdict.then((reply) => {
        if (reply) return answeredBy(x, place, reply)
        return x.over ? undefined : runResponse(x, res, pipeline, i + 1)
      })
    }
    return answeredBy(x, place, verdict)
  }
}

/** A policy that replaces the answer is not asked about its own replacement, nor are those after it. */
function answeredBy(x: Exchange, place: number, reply: Reply): Reply {
  x.entered = place
  return reply
}
