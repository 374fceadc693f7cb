/** What ip-restriction can be told. */
import { z } from 'zod'
import { parseNetwork } from '../../base/networks.ts'

const network = z.string().refine((text) => parseNetwork(text) !== null, {
  message: 'must be an address or a network: 192.0.2.7, 10.0.0.0/8, fd00::/8',
})

export const ipRestrictionConfig = z
  .strictObject({
    allow: z.array(network).default([]).describe('Only these addresses and networks may come in; empty is everybody.'),
    deny: z.array(network).default([]).describe('These may not, even if `allow` names them.'),
  })
  .refine(({ allow, deny }) => allow.length + deny.length > 0, {
    message: 'needs `allow` or `deny`',
    path: ['allow'],
  })

export type IpRestrictionConfig = z.infer<typeof ipRestrictionConfig>
