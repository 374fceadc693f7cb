/** Bounds how many requests somebody may make in a time, and tells them where they stand (draft-ietf-httpapi-ratelimit-headers-11). */
import { PROBLEMS } from '../../base/problem.ts'
import type { Take } from '../../counters/port.ts'
import type { Exchange } from '../../pipeline/exchange.ts'
import { definePolicy } from '../../pipeline/policy.ts'
import { type Reply, refuse } from '../../pipeline/reply.ts'
import { durationMs } from '../duration.ts'
import { networkOf } from '../../base/networks.ts'
import type { RateLimitConfig } from './schema.ts'

export const rateLimit = definePolicy<RateLimitConfig>({
  name: 'rate-limit',
  stage: 'limit',
  create({ limit, per, burst, by, name }, { clock, counters, place }) {
    const windowMs = durationMs(per)
    const rate = { limit, windowMs, burst: burst ?? limit }
    // The draft knows whole seconds only; a shorter window is left unsaid.
    const policyItem = `"${name}";q=${limit}${windowMs % 1000 === 0 ? `;w=${windowMs / 1000}` : ''}`
    const standing = `"${name}";r=`
    const keyOf = keyBy(by, place)
    const refusal = refuse(PROBLEMS.rateLimited)

    const judge = (x: Exchange, { allowed, remaining, resetMs, retryAfterMs }: Take): Reply | undefined => {
      const seconds = wholeSeconds(allowed ? resetMs : retryAfterMs)
      const item = standing + remaining + ';t=' + seconds
      x.rateLimit = x.rateLimit === '' ? item : x.rateLimit + ', ' + item
      if (allowed) return undefined
      const headers = ['Retry-After', String(seconds), 'RateLimit-Policy', policyItem, 'RateLimit', x.rateLimit]
      x.rateLimit = ''
      return { ...refusal, headers: [...refusal.headers, ...headers] }
    }

    return {
      request(x) {
        const take = counters.take(keyOf(x), rate, clock.elapsed())
        return take instanceof Promise ? take.then((take) => judge(x, take)) : judge(x, take)
      },
      response(x, { headers }) {
        headers.appendOwn('RateLimit-Policy', policyItem)
        if (x.rateLimit === '') return
        // One line for all limits of the exchange; whoever is first to see the answer writes it.
        headers.appendOwn('RateLimit', x.rateLimit)
        x.rateLimit = ''
      },
    }
  },
})

/** Rounded up; a nanosecond beyond a second is how doubles write that second. At least 1: nobody is told to come back at once. */
function wholeSeconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000 - 1e-9))
}

/** The counter's key for an exchange: the place the policy is written in, and whom it counts. */
function keyBy(by: RateLimitConfig['by'], place: string): (x: Exchange) => string {
  const [ofAddress, ofConsumer, ofHeader] = [`${place} ip `, `${place} consumer `, `${place} header `]
  const byAddress = (x: Exchange): string => ofAddress + networkOf(x.clientAddress)
  if (by === 'ip') return byAddress
  if (by === 'consumer') return (x) => (x.consumer === null ? byAddress(x) : ofConsumer + x.consumer.name)
  const name = by.header.toLowerCase()
  return (x) => {
    const value = x.head.get(name)
    return value === null ? byAddress(x) : ofHeader + value
  }
}
