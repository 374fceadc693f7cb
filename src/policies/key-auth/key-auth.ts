/** Knows consumers by an API key they send, and tells the upstream who they are instead of the key. */
import { PROBLEMS } from '../../base/problem.ts'
import type { Exchange } from '../../pipeline/exchange.ts'
import { definePolicy } from '../../pipeline/policy.ts'
import { refuse } from '../../pipeline/reply.ts'
import type { Head } from '../../wire/head.ts'
import { cutParameter } from './query-key.ts'
import type { KeyAuthConfig } from './schema.ts'

/** RFC 6750 §2.1; the scheme in any case, RFC 9110 §11.1. */
const BEARER = /^bearer +(\S+)$/i

/** What a place of the request holds: a key, nothing, or too much to choose from. */
const NOTHING = ''
const SEVERAL = null
type Sent = string | typeof SEVERAL

export const keyAuth = definePolicy<KeyAuthConfig>({
  name: 'key-auth',
  stage: 'authenticate',
  create({ header, bearer, query, hide }, deps) {
    const name = header.toLowerCase()
    const challenges = ['WWW-Authenticate', `ApiKey header="${header}"`]
    if (bearer) challenges.push('WWW-Authenticate', 'Bearer')
    // Made once: a flood of bad keys costs no more than their look-up.
    const missing = refuse(PROBLEMS.credentialMissing, `Send an API key in the header ${header}.`, challenges)
    const invalid = refuse(PROBLEMS.credentialInvalid, undefined, challenges)

    const inQuery = (x: Exchange, parameter: string): Sent => {
      const { values, rest } = cutParameter(x.query, parameter)
      if (hide) x.query = rest
      return values.length > 1 ? SEVERAL : (values[0] ?? NOTHING)
    }

    return {
      request(x) {
        const queried = query === undefined || x.query === '' ? NOTHING : inQuery(x, query)
        let key = soleValue(x.head, name)
        if (key === NOTHING && bearer) key = inBearer(x.head)
        if (key === NOTHING) key = queried
        if (key === NOTHING) return missing
        const consumer = key === SEVERAL ? null : deps.consumerOfKey(key)
        if (consumer === null) return invalid
        x.consumer = consumer
        return undefined
      },
      upstreamRequest(x, out) {
        if (hide) {
          out.remove(name)
          // A bearer token beside a key in its own header is not ours to take away.
          if (bearer && soleValue(x.head, name) === NOTHING && inBearer(x.head) !== NOTHING) out.remove('authorization')
        }
        out.remove('x-consumer-name')
        if (x.consumer !== null) out.append('X-Consumer-Name', x.consumer.name)
      },
    }
  },
})

/** The value of the only line with this name; NOTHING without one. */
function soleValue(head: Head, name: string): Sent {
  const line = head.find(name)
  if (line === -1) return NOTHING
  for (let other = line + 1; other < head.count; other++) if (head.is(other, name)) return SEVERAL
  return head.value(line)
}

function inBearer(head: Head): Sent {
  const value = soleValue(head, 'authorization')
  return value === SEVERAL ? SEVERAL : (BEARER.exec(value)?.[1] ?? NOTHING)
}
