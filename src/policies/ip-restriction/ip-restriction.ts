/** Lets in or keeps out clients by the network their connection comes from. */
import { PROBLEMS } from '../../base/problem.ts'
import { definePolicy } from '../../pipeline/policy.ts'
import { refuse } from '../../pipeline/reply.ts'
import { includes, networkSet } from '../../base/networks.ts'
import type { IpRestrictionConfig } from './schema.ts'

export const ipRestriction = definePolicy<IpRestrictionConfig>({
  name: 'ip-restriction',
  stage: 'guard',
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
