/** The admin address as an engine serves it: publishing, which is hot, is answered in the engine; the rest goes to the admin server. */
import { answer, fault } from '../gateway/answer.ts'
import type { CompiledRoute, GatewayExchange, Target } from '../gateway/exchange.ts'
import { readWholeBody } from '../gateway/read-body.ts'
import { Router } from '../gateway/router.ts'
import type { Snapshot } from '../gateway/snapshot.ts'
import { proxyTo } from '../gateway/targets/proxy.ts'
import { compilePipeline } from '../pipeline/compile.ts'
import { type Reply, json } from '../pipeline/reply.ts'
import type { Forwarding } from '../upstream/forwarding.ts'
import { LiveService } from '../upstream/service.ts'
import type { Pools } from '../wire/pool.ts'
import { bearerCheck } from './bearer.ts'
import { type Publish, UNKNOWN_APPLICATION } from './svix/publish.ts'

/** Largest message or configuration that is taken. */
const BODY_BYTES_MAX = 4 * 1024 * 1024

export interface FrontDeps {
  /** The admin server on loopback. */
  readonly url: string
  readonly token: string
  readonly pools: Pools
  readonly publish: Publish
  /** Who we are in `Via`. */
  readonly via: string
}

export function adminFront({ url, token, pools, publish, via }: FrontDeps): Snapshot {
  const timeouts = { connectMs: 5_000, firstByteMs: 60_000, idleMs: 60_000, streamMs: 60_000, totalMs: 0 }
  // A name of its own: a gateway's route may well lead here.
  const forwarding = { xForwarded: true, forwarded: true, via: `${via}-admin` }
  const host = new URL(url).host
  const instance = { url, name: host, authority: host, weight: 1, pool: pools.of(url, null), credit: 0 }
  const service = new LiveService('admin', timeouts, [instance])
  const rest = route(
    'admin',
    proxyTo('admin', () => service),
    forwarding,
  )
  const hot = route('publish', publishTarget(publish, bearerCheck(token)), forwarding)
  return {
    revision: 0,
    routes: [hot, rest],
    router: new Router([
      { match: { hosts: [], path: '/api/v1/app/:app/msg', methods: ['POST'] }, value: hot },
      // Older clients write it so.
      { match: { hosts: [], path: '/api/v1/app/:app/msg/', methods: ['POST'] }, value: hot },
      { match: { hosts: [], path: '/*', methods: [] }, value: rest },
    ]),
    noRoute: rest,
    proxies: null,
    forwarding,
  }
}

function route(name: string, target: Target, forwarding: Forwarding): CompiledRoute {
  const pipeline = compilePipeline([], name, () => {
    throw new Error('the admin routes have no policies')
  })
  return { name, target, forwarding, pipeline, bodyBytesMax: BODY_BYTES_MAX, spec: null }
}

const UNAUTHORIZED = json(
  401,
  { code: 'authentication_failed', detail: 'The token is missing or wrong.' },
  'unauthorized',
)

const STORE_UNAVAILABLE: Reply = {
  ...json(
    503,
    { code: 'store_unavailable', detail: 'The message could not be stored. Try again.' },
    'store-unavailable',
  ),
  headers: ['Content-Type', 'application/json', 'Retry-After', '5'],
}

function publishTarget(publish: Publish, allowed: (header: string | undefined) => boolean): Target {
  const run = async (x: GatewayExchange) => {
    if (!allowed(x.head.get('authorization') ?? undefined)) return answer(x, UNAUTHORIZED)
    const refusal = await readWholeBody(x, BODY_BYTES_MAX)
    if (refusal !== undefined) return answer(x, refusal)
    const app = decoded(x.params['app']!)
    if (app === null) return answer(x, UNKNOWN_APPLICATION)
    const withContent = !/[?&]with_content=false(&|$)/.test(x.query)
    try {
      answer(x, await publish(app, x.requestBody ?? new Uint8Array(0), withContent, x.head.get('idempotency-key')))
    } catch (error) {
      x.host.log.error({ err: error }, 'a message could not be stored')
      answer(x, STORE_UNAVAILABLE)
    }
  }
  return (x) => {
    run(x).catch((error: unknown) => fault(x, error))
  }
}

/** Null for percent signs that say nothing: no application is called so. */
function decoded(segment: string): string | null {
  try {
    return decodeURIComponent(segment)
  } catch {
    return null
  }
}
