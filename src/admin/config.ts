/** The configuration over HTTP: read it, replace it with compare-and-set, see its history, ask what a request would meet. */
import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { accepts } from 'hono/accepts'
import { PROBLEMS } from '../base/problem.ts'
import { answer, onInvalid, ProblemError, problemResponse, Stamp, secured } from './answers.ts'
import type { AdminDeps } from './deps.ts'
import { stamp } from './stamp.ts'

export const ConfigOut = z
  .object({ revision: z.number().int(), text: z.string(), appliedAt: Stamp })
  .openapi('Configuration')

export const AppliedOut = z.object({ revision: z.number().int() }).openapi('Applied')

export const RevisionsOut = z
  .object({
    data: z.array(
      z.object({ number: z.number().int(), origin: z.enum(['file', 'api']), text: z.string(), createdAt: Stamp }),
    ),
  })
  .openapi('Revisions')

const getConfig = createRoute({
  ...secured('getConfig', 'config'),
  method: 'get',
  path: '/config',
  responses: {
    200: {
      description: 'The running configuration as written; `ETag` is its revision. JSON when `Accept` prefers it.',
      content: {
        'application/yaml': { schema: { type: 'string' } },
        'application/json': { schema: ConfigOut },
      },
    },
    503: problemResponse('Nothing runs yet.'),
  },
})

const putConfig = createRoute({
  ...secured('putConfig', 'config'),
  method: 'put',
  path: '/config',
  request: {
    body: {
      required: true,
      description: 'The whole configuration, in YAML or JSON. `If-Match` with an `ETag` replaces only that revision.',
      // No zod schema: the text itself is handed on, so that faults have lines and columns.
      content: {
        'application/yaml': { schema: { type: 'string' } },
        'application/json': { schema: { type: 'object' } },
      },
    },
  },
  responses: {
    200: answer(AppliedOut, 'It runs.'),
    412: problemResponse('The configuration has changed since you read it.'),
    422: problemResponse('It is not valid; nothing changed. `faults` says where.'),
  },
})

const getRevisions = createRoute({
  ...secured('getRevisions', 'config'),
  method: 'get',
  path: '/revisions',
  request: { query: z.object({ limit: z.coerce.number().int().min(1).max(250).default(50) }) },
  responses: { 200: answer(RevisionsOut, 'Revisions, newest first.') },
})

const getExplain = createRoute({
  ...secured('explain', 'config'),
  method: 'get',
  path: '/explain',
  request: {
    query: z.object({
      method: z
        .string()
        .regex(/^[A-Za-z-]+$/)
        .default('GET')
        .transform((method) => method.toUpperCase()),
      /** A path, or a whole URL when the host matters. */
      url: z.string().min(1),
    }),
  },
  responses: {
    200: answer(z.unknown(), 'The route and the policies this request would meet, in order.'),
    422: problemResponse('`url` is neither a path nor an http URL.'),
  },
})

export function configRoutes({ config, explain }: AdminDeps): OpenAPIHono {
  const routes = new OpenAPIHono({ defaultHook: onInvalid, strict: false })

  routes.openapi(getConfig, (c) => {
    const current = config.current()
    if (current === null) throw new ProblemError(PROBLEMS.starting)
    c.header('ETag', etag(current.revision))
    c.header('Vary', 'Accept')
    const supports = ['application/yaml', 'application/json']
    if (accepts(c, { header: 'Accept', supports, default: 'application/yaml' }) === 'application/json') {
      return c.json({ ...current, appliedAt: stamp(current.appliedAt) }, 200)
    }
    return c.body(current.text, 200, { 'Content-Type': 'application/yaml' })
  })

  routes.openapi(putConfig, async (c) => {
    const ifMatch = c.req.header('if-match')
    const running = config.current()?.revision ?? null
    const expected = ifMatch === undefined || ifMatch === '*' ? null : revisionOf(ifMatch)
    if (expected === undefined) throw mismatch(running)
    const applied = await config.apply(await c.req.text(), expected)
    if (applied.ok) {
      c.header('ETag', etag(applied.revision))
      return c.json({ revision: applied.revision }, 200)
    }
    if ('faults' in applied) throw new ProblemError(PROBLEMS.configInvalid, undefined, { faults: applied.faults })
    throw mismatch(applied.current)
  })

  routes.openapi(getRevisions, async (c) => {
    const revisions = await config.history(c.req.valid('query').limit)
    const data = revisions.map(({ number, origin, text, createdAt }) => {
      return { number, origin, text, createdAt: stamp(createdAt) }
    })
    return c.json({ data }, 200)
  })

  routes.openapi(getExplain, (c) => {
    const { method, url } = c.req.valid('query')
    try {
      return c.json(explain(method, url), 200)
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      const errors = [{ path: 'query.url', message: 'must be a path that begins with /, or an http URL' }]
      throw new ProblemError(PROBLEMS.validation, undefined, { errors })
    }
  })

  return routes
}

const etag = (revision: number): string => `"${revision}"`

/** The revision an entity tag names; undefined when it cannot be one of ours (weak tags never match: RFC 9110 §13.1.1). */
function revisionOf(tag: string): number | undefined {
  const digits = /^"(\d{1,15})"$/.exec(tag.trim())?.[1]
  return digits === undefined ? undefined : Number(digits)
}

const mismatch = (current: number | null): ProblemError =>
  new ProblemError(PROBLEMS.revisionMismatch, undefined, { current })
