/** Lets in or keeps out clients by the network their connection comes from. */
import { z } from 'zod'
import { PROBLEMS } from '../../base/problem.ts'
import { definePolicy } from '../../pipeline/policy.ts'
import { refuse } from '../../pipeline/reply.ts'
import { includes, networkSet, parseNetwork } from './networks.ts'

const network = z.string().refine((text) => parseNetwork(text) !== null, {
  message: 'must be an address or a network: 192.0.2.7, 10.0.0.0/8, fd00::/8',
})

export const ipRestriction = definePolicy({
  name: 'ip-restriction',
  stage: 'guard',
  config: z
    .strictObject({
      allow: z
        .array(network)
        .default([])
        .describe('Only these addresses and networks may come in; empty is everybody.'),
      deny: z.array(network).default([]).describe('These may not, even if `allow` names them.'),
    })
    .refine(({ allow, deny }) => allow.length + deny.length > 0, {
      message: 'needs `allow` or `deny`',
      path: ['allow'],
    }),
  create({ allow, deny }) {
    const allowed = allow.length === 0 ? null : networkSet(allow)
    const denied = networkSet(deny)
    const refusal = refuse(PROBLEMS.addressNotAllowed)
    return {
      request({ clientAddress }) {
        const welcome = (allowed === null || includes(allowed, clientAddress)) && !includes(denied, clientAddress)
        return welcome ? undefined : refusal
      },
    }
  },
})
