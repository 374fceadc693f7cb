/** Turns a successful answer into an event, stored before the client sees the answer. */
import { z } from 'zod'
import { PROBLEMS } from '../../base/problem.ts'
import type { Exchange } from '../../pipeline/exchange.ts'
import { definePolicy } from '../../pipeline/policy.ts'
import { type Reply, refuse } from '../../pipeline/reply.ts'
import type { ResponseView } from '../../pipeline/response.ts'
import { errorCode, expressionError, payloadOf } from './payload.ts'

const expression = z.string().superRefine((text, context) => {
  const message = expressionError(text)
  if (message !== null) context.addIssue({ code: 'custom', message: `is not a JSONata expression: ${message}` })
})

export const emit = definePolicy({
  name: 'emit',
  stage: 'transform',
  config: z.strictObject({
    event: z
      .string()
      .regex(/^[A-Za-z0-9_.-]{1,256}$/, 'must be letters, digits, `.`, `_` and `-`')
      .describe('The type of the event: `cart.item_added`.'),
    to: z
      .string()
      .min(1)
      .optional()
      .describe('The consumer it is for; every consumer who wants the event type if not given.'),
    payload: expression
      .optional()
      .describe(
        'A JSONata expression over `request`, `response` and `consumer` that gives the event’s data; the answer’s JSON if not given.',
      ),
    bytesMax: z.int().min(1).default(1_048_576).describe('Largest answer that is read, bytes.'),
  }),
  create({ event, to, payload, bytesMax }, deps) {
    const dataOf = payloadOf(payload)

    const emitted = async (x: Exchange, res: ResponseView): Promise<Reply | undefined> => {
      let data: unknown
      try {
        data = await dataOf(x, res)
      } catch (error) {
        return refuse(
          PROBLEMS.policyFailed,
          `The payload of the event ${event} could not be made: ${errorCode(error)}.`,
        )
      }
      const body = JSON.stringify({ type: event, timestamp: new Date(deps.clock.now()).toISOString(), data })
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
