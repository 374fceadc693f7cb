/** A POST that comes again under the same `Idempotency-Key` is answered again, and not done again. Publishing has its own way. */
import { createHash } from 'node:crypto'
import type { MiddlewareHandler } from 'hono'
import type { Clock } from '../../base/clock.ts'
import type { Store } from '../../store/port.ts'
import type { AccessEnv } from './access.ts'
import { refusalAnswer } from './refusal.ts'

const KEPT_MS = 24 * 3_600_000
const KEY_CHARS_MAX = 256

/** Answers that are not kept: they hold a token, which is shown once. */
const UNKEPT = '/api/v1/auth/'

export function onceForEachKey(store: Store, clock: Clock): MiddlewareHandler<AccessEnv> {
  /** Those who ask at the same time wait for each other. */
  const underWay = new Map<string, Promise<void>>()
  return async (c, next) => {
    const given = c.req.header('idempotency-key')
    if (c.req.method !== 'POST' || given === undefined || c.req.path.startsWith(UNKEPT)) return next()
    if (given.length > KEY_CHARS_MAX) {
      const msg = `At most ${KEY_CHARS_MAX} characters.`
      return refusalAnswer(422, { detail: [{ loc: ['header', 'idempotency-key'], msg, type: 'value_error' }] })
    }
    const who = c.get('access')?.token.consumerId ?? ''
    const key = digest(who, given)
    const request = digest(new URL(c.req.url).pathname, new URL(c.req.url).search, await c.req.text())

    while (underWay.has(key)) await underWay.get(key)
    const { promise, resolve } = Promise.withResolvers<void>()
    underWay.set(key, promise)
    try {
      const since = clock.now() - KEPT_MS
      const kept = await store.getAnswer(key, since)
      if (kept !== null) {
        if (kept.request !== request) return refusalAnswer(409, OTHER_REQUEST)
        return kept.status === 204
          ? new Response(null, { status: 204 })
          : new Response(kept.body, { status: kept.status, headers: { 'content-type': 'application/json' } })
      }
      await next()
      if (c.res.ok) {
        const body = await c.res.clone().text()
        await store.keepAnswer({ key, request, status: c.res.status, body, createdAt: clock.now() }, since)
      }
      return undefined
    } finally {
      underWay.delete(key)
      resolve()
    }
  }
}

const OTHER_REQUEST = {
  code: 'idempotency_key_reused',
  detail: 'Another request was made with this Idempotency-Key.',
}

/** Of parts that are told apart. */
function digest(...parts: string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url')
}
