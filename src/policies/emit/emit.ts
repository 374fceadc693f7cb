/** Turns a successful answer into an event, stored before the client sees the answer. */
import { PROBLEMS } from '../../base/problem.ts'
import type { Exchange } from '../../pipeline/exchange.ts'
import { definePolicy } from '../../pipeline/policy.ts'
import { type Reply, refuse } from '../../pipeline/reply.ts'
import type { ResponseView } from '../../pipeline/response.ts'
import { errorCode, payloadOf } from './payload.ts'
import type { EmitConfig } from './schema.ts'

export const emit = definePolicy<EmitConfig>({
  name: 'emit',
  stage: 'transform',
  create({ event, to, payload, bytesMax }, deps) {
    const dataOf = payloadOf(payload)

    const emitted = async (x: Exchange, res: ResponseView): Promise<Reply | undefined> => {
      let data: string
      try {
        data = await dataOf(x, res)
      } catch (error) {
        return refuse(
          PROBLEMS.policyFailed,
          `The payload of the event ${event} could not be made: ${errorCode(error)}.`,
        )
      }
      const about = JSON.stringify({ type: event, timestamp: new Date(deps.clock.now()).toISOString() })
      const body = `${about.slice(0, -1)},"data":${data}}`
      try {
        await deps.emit({ eventType: event, payload: Buffer.from(body), to: to ?? null })
        return undefined
      } catch {
        return refuse(PROBLEMS.storeUnavailable, `The service has acted, but its event ${event} could not be stored.`)
      }
    }

    return {
      responseBody: { bytesMax },
      upstreamRequest(_, out) {
        // An answer that is to be read must not come compressed.
        out.set('Accept-Encoding', 'identity')
      },
      response(x, res) {
        const succeeded = res.fromUpstream && res.status >= 200 && res.status <= 299
        if (!succeeded) return undefined
        const encoding = res.headers.get('content-encoding')?.toLowerCase() ?? 'identity'
        const readable = encoding === 'identity' || res.body === null || res.body.length === 0
        if (readable) return emitted(x, res)
        return refuse(
          PROBLEMS.policyFailed,
          `The answer is encoded as ${encoding}: the event ${event} cannot be read from it.`,
        )
      },
    }
  },
})
