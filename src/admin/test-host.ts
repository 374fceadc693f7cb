/** For tests: the admin server on loopback over a real SQLite store, with the engine's publish path in front of it. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { Hono } from 'hono'
import { ApiException, Svix } from 'svix'
import { Svix as Svix1 } from 'svix-1'
import type { Clock } from '../base/clock.ts'
import { newId } from '../base/ids.ts'
import { type Attempt, type Consumer, type Endpoint, type Message, wants } from '../model/webhook.ts'
import type { Store } from '../store/port.ts'
import { openSqliteStore } from '../store/sqlite/open.ts'
import { Catalogue } from '../webhooks/catalogue.ts'
import { Tasks } from '../webhooks/tasks.ts'
import { createAdminApp } from './app.ts'
import type { AdminDeps, Applied, ConfigHost, DirectoryChange } from './deps.ts'
import { listenAdmin } from './server.ts'
import { createPublish } from './svix/publish.ts'
import type { ValidationErrorItem } from './svix/refusal.ts'

export const TOKEN = 'test-token'

interface Faults {
  readonly detail: readonly ValidationErrorItem[]
}

const LESSEE = 'test'

/** A clock that tests move, and that every reading moves by 1 ms, so that ids sort in the order they are made. */
class TestClock implements Clock {
  private ms = Date.UTC(2026, 0, 31, 12)
  now(): number {
    return this.ms++
  }
  elapsed(): number {
    return this.ms
  }
  advance(ms: number): void {
    this.ms += ms
  }
}

/** A running admin server; closed when the test ends. */
export async function openHost(t: TestContext, overrides: Partial<AdminDeps> = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'postern-admin-'))
  const stores = await openSqliteStore(join(directory, 'postern.db'))
  const store = stores.client()
  const clock = new TestClock()
  const changes: DirectoryChange[] = []
  const faults: unknown[] = []
  const engine = engineStandIn(store, clock)
  const fault = (error: unknown) => void faults.push(error)
  const tasks = new Tasks({ store, clock, fault, wake: () => overrides.wake?.() })
  const app = createAdminApp({
    store,
    token: TOKEN,
    clock,
    config: configStandIn(store, clock),
    explain: (method, url) => ({ method, url, route: 'profile' }),
    metrics: async () => 'postern_up 1\n',
    ready: () => true,
    directoryChanged: async (change) => {
      changes.push(change)
      engine.learn(change)
      engine.catalogue.apply(change)
    },
    resend: async () => false,
    startTask: (work) => tasks.add(work),
    wake: () => undefined,
    egressAllowed: () => null,
    fault,
    ...overrides,
  })
  const front = new Hono()
  front.post('/api/v1/app/:app/msg', async (c) => {
    const withContent = c.req.query('with_content') !== 'false'
    const key = c.req.header('idempotency-key') ?? null
    const body = new Uint8Array(await c.req.arrayBuffer())
    const reply = await engine.publish(c.req.param('app'), body, withContent, key)
    return new Response(String(reply.body), { status: reply.status })
  })
  front.all('*', (c) => app.fetch(c.req.raw))
  const listener = await listenAdmin(front)
  t.after(async () => {
    await listener.close()
    await tasks.stop()
    await store.close()
    await stores.close()
    await rm(directory, { recursive: true })
    assert.deepEqual(faults, [], 'nothing unexpected was thrown')
  })
  return {
    url: listener.url,
    svix: new Svix(TOKEN, { serverUrl: listener.url, numRetries: 0 }),
    /** The client of the generation before. */
    svix1: new Svix1(TOKEN, { serverUrl: listener.url, numRetries: 0 }),
    store,
    clock,
    changes,
    attempt: engine.attempt,
    /** What the engine stand-in publishes by: nothing is asked of messages until its rules say so. */
    catalogue: engine.catalogue,
    request: (method: string, path: string, options: { body?: string; type?: string; token?: string } = {}) =>
      fetch(listener.url + path, {
        method,
        headers: {
          authorization: `Bearer ${options.token ?? TOKEN}`,
          ...(options.type === undefined ? {} : { 'content-type': options.type }),
        },
        body: options.body ?? null,
      }),
  }
}

/** How an attempt went; status 0 is no answer. `tookMs` is how long before its record it began. */
interface Answer {
  readonly status: number
  readonly response: string
  readonly tookMs?: number
  /** What becomes of the delivery; else delivered by a 2xx, and pending after anything else. */
  readonly state?: 'exhausted' | 'delivered'
}

/** Publishes into the store as an engine does, and settles attempts that nobody made. */
function engineStandIn(store: Store, clock: Clock) {
  const consumers = new Map<string, Consumer>()
  const endpoints = new Map<string, Endpoint>()
  const catalogue = new Catalogue()
  const publish = createPublish({
    directory: {
      consumerByIdOrUid: (key) => [...consumers.values()].find(({ id, uid }) => id === key || uid === key) ?? null,
    },
    clock,
    fault: (eventType, payload) => catalogue.fault(eventType, payload),
    message: (id) => store.getMessage(null, id),
    publish: async ({ consumer, retentionMs, idempotencyKey, retryKey, ...event }) => {
      const { eventType, channels } = event
      const createdAt = clock.now()
      const id = newId('msg_', createdAt)
      const expiresAt = retentionMs === null ? null : createdAt + retentionMs
      const about = { id, consumerId: consumer.id, origin: null, createdAt, expiresAt, expunged: false }
      const message: Message = { ...about, ...event, received: null }
      const deliveries = [...endpoints.values()]
        .filter((endpoint) => endpoint.consumerId === consumer.id && wants(endpoint, eventType, channels))
        .map((endpoint) => ({ id: newId('dlv_', createdAt), endpointId: endpoint.id, as: 'due' as const }))
      const [stored] = await store.append(LESSEE, [{ message, deliveries, idempotencyKey, retryKey }])
      if (stored!.stored) return { ok: true, message }
      return { ok: false, existingId: stored!.existingId, repeats: stored!.repeats }
    },
  })
  return {
    publish,
    catalogue,
    learn({
      consumers: c = [],
      endpoints: e = [],
      removedConsumers = [],
      removedEndpoints = [],
    }: DirectoryChange): void {
      for (const consumer of c) consumers.set(consumer.id, consumer)
      for (const endpoint of e) endpoints.set(endpoint.id, endpoint)
      for (const id of removedConsumers) consumers.delete(id)
      for (const id of removedEndpoints) endpoints.delete(id)
    },
    /** Records an attempt and gives its id. */
    attempt: async (messageId: string, endpointId: string, { status, response, tookMs = 0, state }: Answer) => {
      const claimed = await store.claimOne(LESSEE, messageId, endpointId)
      const ok = status >= 200 && status < 300
      const startedAt = clock.now() - tookMs
      const id = newId('atmpt_', startedAt)
      const about = { id, deliveryId: claimed!.delivery.id, messageId, endpointId, startedAt, latencyMs: 12 }
      const { url } = endpoints.get(endpointId)!
      const outcome = { status, response, ok, failure: ok ? null : 'status' }
      const attempt: Attempt = { ...about, ...outcome, url, trigger: 'scheduled' }
      const next = ok || state !== undefined ? { state: state ?? 'delivered', nextAt: null } : pendingUntil(startedAt)
      await store.settle(LESSEE, [{ attempt, ...next }])
      return id
    },
  }
}

const pendingUntil = (nextAt: number) => ({ state: 'pending' as const, nextAt })

/** Keeps revisions in the store; a text with a tab is not valid. */
function configStandIn(store: Store, clock: Clock): ConfigHost {
  let current: { revision: number; text: string; appliedAt: number } | null = null
  return {
    current: () => current,
    async apply(text, expected): Promise<Applied> {
      const line = text.split('\n').findIndex((content) => content.includes('\t')) + 1
      if (line > 0) return { ok: false, faults: [{ path: 'routes', line, column: 1, message: 'No tabs.' }] }
      const running = current?.revision ?? 0
      if (expected !== null && expected !== running) return { ok: false, conflict: true, current: running }
      const { number, createdAt } = await store.putRevision(running, 'api', text, clock.now())
      current = { revision: number, text, appliedAt: createdAt }
      return { ok: true, revision: number }
    },
    history: (limit) => store.listRevisions(limit),
  }
}

/** Asserts that a call of the Svix client is refused so; gives the answer's body. */
export async function refused(call: Promise<unknown>, status: number, code?: string): Promise<Faults> {
  const error = await call.then(
    () => assert.fail(`the server accepted what should be ${status}`),
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof ApiException, String(error))
  assert.equal(error.code, status)
  if (code !== undefined) assert.equal(error.body.code, code)
  return error.body
}
