/** Tells browsers which web origins may call (Fetch Standard, "CORS protocol"); answers their preflight requests itself. */
import type { Exchange } from '../../pipeline/exchange.ts'
import { definePolicy } from '../../pipeline/policy.ts'
import type { Reply } from '../../pipeline/reply.ts'
import type { OutgoingHead } from '../../wire/outgoing.ts'
import { durationMs } from '../duration.ts'
import { originMatcher } from './origins.ts'
import type { CorsConfig } from './schema.ts'

/** What an upstream may have said on its own; two answers to one question are none to a browser. */
const UPSTREAM_FIELDS = [
  'access-control-allow-origin',
  'access-control-allow-credentials',
  'access-control-allow-methods',
  'access-control-allow-headers',
  'access-control-expose-headers',
  'access-control-max-age',
]

export const cors = definePolicy<CorsConfig>({
  name: 'cors',
  stage: 'observe',
  create({ origins, methods, headers, expose, credentials, maxAge }) {
    const allows = originMatcher(origins)
    const anyOrigin = origins.includes('*')
    const anyHeader = headers.includes('*')
    const methodList = methods.join(', ')
    const headerList = headers.join(', ')
    const exposeList = expose.join(', ')
    const maxAgeSeconds = String(Math.floor(durationMs(maxAge) / 1000))
    const preflightVary = [anyOrigin ? '' : 'Origin', anyHeader ? 'Access-Control-Request-Headers' : '']
      .filter(Boolean)
      .join(', ')

    const preflight = (x: Exchange, origin: string): Reply => {
      const lines = preflightVary === '' ? [] : ['Vary', preflightVary]
      if (allows(origin)) {
        const asked = anyHeader ? (x.head.get('access-control-request-headers') ?? '') : headerList
        lines.push('Access-Control-Allow-Origin', anyOrigin ? '*' : origin)
        if (credentials) lines.push('Access-Control-Allow-Credentials', 'true')
        lines.push('Access-Control-Allow-Methods', methodList)
        if (asked !== '') lines.push('Access-Control-Allow-Headers', asked)
        lines.push('Access-Control-Max-Age', maxAgeSeconds)
      }
      return { status: 204, headers: lines, body: '', code: 'cors-preflight' }
    }

    const decorate = (out: OutgoingHead, origin: string): void => {
      for (const field of UPSTREAM_FIELDS) out.remove(field)
      if (!allows(origin)) return
      out.append('Access-Control-Allow-Origin', anyOrigin ? '*' : origin)
      if (credentials) out.appendOwn('Access-Control-Allow-Credentials', 'true')
      if (exposeList !== '') out.appendOwn('Access-Control-Expose-Headers', exposeList)
    }

    return {
      request(x) {
        const origin = x.head.method === 'OPTIONS' ? x.head.get('origin') : null
        const isPreflight = origin !== null && x.head.find('access-control-request-method') !== -1
        return isPreflight ? preflight(x, origin) : undefined
      },
      response(x, { headers }) {
        const origin = x.head.get('origin')
        if (origin !== null) decorate(headers, origin)
        // Also without an Origin, or a cache would give that answer to a browser that sends one.
        if (!anyOrigin) headers.appendOwn('Vary', 'Origin')
      },
    }
  },
})
