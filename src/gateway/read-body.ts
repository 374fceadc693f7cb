/** Reads a request's whole body for those who declared that they need it. */
import { PROBLEMS } from '../base/problem.ts'
import { type Reply, refuse } from '../pipeline/reply.ts'
import type { GatewayExchange } from './exchange.ts'

/** Puts the body into `x.requestBody`. Resolves to a refusal when it is too large, too slow or broken. */
export function readWholeBody(x: GatewayExchange, bytesMax: number): Promise<Reply | undefined> {
  if (x.requestBody !== null) return Promise.resolve(undefined)
  const { bodyBytesMax } = x.route
  const bound = bodyBytesMax === 0 ? bytesMax : Math.min(bytesMax, bodyBytesMax)
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let open = true
    const over = (reply?: Reply) => {
      open = false
      x.actor = null
      resolve(reply)
    }
    x.actor = {
      drain: () => {},
      bodyRefused: (problem) =>
        over(refuse(problem, problem === PROBLEMS.bodyTooLarge ? `The limit is ${bound} bytes.` : undefined)),
      aborted: () => over(),
    }
    x.inbound.readBody(
      {
        data: (bytes, start, end) => chunks.push(Buffer.from(bytes.subarray(start, end))),
        end: () => {
          x.requestBody = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
          over()
        },
      },
      bound,
      0,
    )
    // Not before it is known that the body is welcome (RFC 9110 §10.1.1).
    if (open) x.inbound.continue()
  })
}
