/** The admin server's API as functions: what the command line talks to a running server with. */
import { z } from '@hono/zod-openapi'
import { AppliedOut, ConfigOut, RevisionsOut } from './config.ts'
import { AttemptsOut, DeliveriesOut, MessagesOut, StatsOut } from './deliveries.ts'
import { type TailQuery, tailAttempts } from './tail.ts'

export interface AdminClientOptions {
  /** `http://127.0.0.1:8081` */
  readonly url: string
  readonly token: string
}

/** The server's refusal: its problem, or the webhook API's `{code, detail}`. */
export class AdminRefused extends Error {
  override readonly name = 'AdminRefused'
  readonly status: number
  readonly code: string
  /** The answer's JSON, or null when it was none. */
  readonly body: Readonly<Record<string, unknown>> | null

  constructor(status: number, body: Readonly<Record<string, unknown>> | null) {
    const code = typeof body?.['code'] === 'string' ? body['code'] : 'validation'
    const sentence = [body?.['detail'], body?.['title']].find((text) => typeof text === 'string')
    super(sentence === undefined ? `The server answered ${status}.` : `${sentence} (${code})`)
    this.status = status
    this.code = code
    this.body = body
  }
}

export interface PublishRequest {
  readonly eventType: string
  readonly payload: object
  readonly eventId?: string
  readonly channels?: readonly string[]
}

type PageParameters = { limit?: number; iterator?: string }
type AttemptsQuery = PageParameters & { message?: string; endpoint?: string }
type MessagesQuery = PageParameters & { origin?: string; consumer?: string }
type Query = Readonly<Record<string, string | number | boolean | undefined>> | undefined

interface CallOptions {
  readonly query?: Query
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
}

const ErrorBody = z.record(z.string(), z.unknown())
const PublishedOut = z.object({ id: z.string(), timestamp: z.string() })

const TIMEOUT_MS = 30_000

export type AdminClient = ReturnType<typeof createAdminClient>

/** Every function rejects with AdminRefused when the server says no, and with fetch's error when it cannot be reached. */
export function createAdminClient({ url, token }: AdminClientOptions) {
  const base = url.replace(/\/+$/, '')

  async function call(method: string, path: string, options: CallOptions = {}): Promise<unknown> {
    const { query = {}, body = null, headers } = options
    const search = new URLSearchParams()
    for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, `${value}`)
    const answer = await fetch(`${base}${path}?${search.toString()}`, {
      method,
      headers: { authorization: `Bearer ${token}`, accept: 'application/json', ...headers },
      signal: AbortSignal.timeout(TIMEOUT_MS),
      redirect: 'error',
      body,
    })
    const value: unknown = await answer.json().catch(() => null)
    if (!answer.ok) throw new AdminRefused(answer.status, ErrorBody.safeParse(value).data ?? null)
    return value
  }

  const get = (path: string, query?: Query) => call('GET', path, { query })
  const post = (path: string, value: unknown, query?: Query) =>
    call('POST', path, { query, body: JSON.stringify(value), headers: { 'content-type': 'application/json' } })

  const attempts = async (query?: AttemptsQuery) => AttemptsOut.parse(await get('/admin/v1/attempts', query))

  return {
    config: async () => ConfigOut.parse(await get('/admin/v1/config')),

    /** Replaces the configuration; with `expected`, only that revision. `text` is YAML or JSON. */
    async putConfig(text: string, expected?: number) {
      const match = expected === undefined ? {} : { 'if-match': `"${expected}"` }
      const headers = { 'content-type': 'application/yaml', ...match }
      return AppliedOut.parse(await call('PUT', '/admin/v1/config', { body: text, headers }))
    },

    revisions: async (limit?: number) => RevisionsOut.parse(await get('/admin/v1/revisions', { limit })),
    explain: (method: string, url: string) => get('/admin/v1/explain', { method, url }),
    stats: async () => StatsOut.parse(await get('/admin/v1/stats')),
    messages: async (query?: MessagesQuery) => MessagesOut.parse(await get('/admin/v1/messages', query)),
    deliveries: async (message: string) => DeliveriesOut.parse(await get('/admin/v1/deliveries', { message })),
    attempts,

    /** Makes a delivery due now. */
    async replay(messageId: string, endpointId: string): Promise<void> {
      await post('/admin/v1/deliveries/replay', { messageId, endpointId })
    },

    /** Publishes to an application by id or uid. */
    publish: async (app: string, message: PublishRequest) =>
      PublishedOut.parse(await post(`/api/v1/app/${encodeURIComponent(app)}/msg`, message, { with_content: false })),

    /** Attempts as they are recorded, until `signal` aborts. */
    tail: (query: TailQuery, signal: AbortSignal) => tailAttempts(attempts, query, signal),

    /** Whether it lives, and whether it serves. */
    async health(): Promise<{ live: boolean; ready: boolean }> {
      const [live, ready] = await Promise.all([says(get('/health')), says(get('/ready'))])
      return { live, ready }
    },
  }
}

/** Yes or no; what is neither (nobody answers) is thrown on. */
async function says(answer: Promise<unknown>): Promise<boolean> {
  try {
    await answer
    return true
  } catch (error) {
    if (error instanceof AdminRefused) return false
    throw error
  }
}
