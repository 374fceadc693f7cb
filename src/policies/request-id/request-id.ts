/** Gives every request an id that the client, the upstream and the log all see. */
import { newId } from '../../base/ids.ts'
import type { Exchange } from '../../pipeline/exchange.ts'
import { definePolicy } from '../../pipeline/policy.ts'
import type { OutgoingHead } from '../../wire/outgoing.ts'
import type { RequestIdConfig } from './schema.ts'

/** What may be taken over from a client: it ends up in logs, so nothing but visible ASCII. */
const SANE = /^[\x21-\x7e]{1,128}$/

export const requestId = definePolicy<RequestIdConfig>({
  name: 'request-id',
  stage: 'observe',
  create({ header, trust }, { clock }) {
    const name = header.toLowerCase()
    const write = (x: Exchange, out: OutgoingHead): void => {
      out.remove(name)
      out.appendOwn(header, x.requestId)
    }
    return {
      request(x) {
        const given = trust ? x.head.all(name) : []
        x.requestId = given.length === 1 && SANE.test(given[0]!) ? given[0]! : newId('req_', clock.now())
      },
      upstreamRequest: write,
      response: (x, res) => write(x, res.headers),
    }
  },
})
