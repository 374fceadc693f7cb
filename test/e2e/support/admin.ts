/** The admin side of a running Postern, as its users reach it: the token from the command line, Svix's own client, plain HTTP. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Svix } from 'svix'
import { z } from 'zod'
import type { Running } from '../../support/postern.ts'

const MAIN = fileURLToPath(new URL('../../../src/main.ts', import.meta.url))
/** A guard against hanging, not a measurement. */
const PATIENCE_MS = 10_000
const LOOK_MS = 20

const MESSAGES = z.object({
  data: z.array(z.object({ id: z.string(), eventType: z.string(), eventId: z.string().nullable(), bytes: z.int() })),
})
const DELIVERIES = z.object({
  data: z.array(
    z.object({ endpointId: z.string(), state: z.string(), attempts: z.int(), nextAt: z.string().nullable() }),
  ),
})
const ATTEMPTS = z.object({
  data: z.array(
    z.object({
      url: z.string(),
      status: z.int(),
      ok: z.boolean(),
      failure: z.string().nullable(),
      latencyMs: z.number(),
      trigger: z.string(),
      startedAt: z.iso.datetime(),
    }),
  ),
})

const STATS = z.object({ messages: z.int(), deliveries: z.record(z.string(), z.int()) })

export type Stats = z.infer<typeof STATS>
export type DeliveryRow = z.infer<typeof DELIVERIES>['data'][number]
export type AttemptRow = z.infer<typeof ATTEMPTS>['data'][number]

export class Admin {
  readonly token: string
  readonly svix: Svix
  private readonly running: Running

  private constructor(running: Running, token: string) {
    this.token = token
    this.running = running
    this.svix = new Svix(token, { serverUrl: running.admin, numRetries: 0 })
  }

  /** `env` as the file needs it. */
  static async of(running: Running, env: Readonly<Record<string, string>> = {}): Promise<Admin> {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [MAIN, 'token', join(running.folder, 'postern.yaml')],
      {
        env: { ...process.env, ...env },
      },
    )
    return new Admin(running, stdout.trim())
  }

  /** The same token, after a restart on the same store. */
  at(running: Running): Admin {
    return new Admin(running, this.token)
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers)
    headers.set('Authorization', `Bearer ${this.token}`)
    return fetch(this.running.admin + path, { ...init, headers })
  }

  async json(path: string): Promise<unknown> {
    const answer = await this.fetch(path)
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
    return answer.json()
  }

  /** Stored messages of `source:…` or `route:…`, newest first; without an origin all there are. */
  async messages(origin?: string) {
    const query = new URLSearchParams({ limit: '250', ...(origin === undefined ? {} : { origin }) })
    return MESSAGES.parse(await this.json(`/admin/v1/messages?${query.toString()}`)).data
  }

  async stats(): Promise<Stats> {
    return STATS.parse(await this.json('/admin/v1/stats'))
  }

  async deliveries(messageId: string): Promise<readonly DeliveryRow[]> {
    return DELIVERIES.parse(await this.json(`/admin/v1/deliveries?message=${messageId}`)).data
  }

  /** Oldest first. */
  async attempts(messageId: string): Promise<readonly AttemptRow[]> {
    return ATTEMPTS.parse(await this.json(`/admin/v1/attempts?limit=250&message=${messageId}`)).data.toReversed()
  }

  /** Waits until every delivery of a message is in `state`, and gives its attempts, oldest first. */
  async settled(messageId: string, state: string, patienceMs?: number): Promise<readonly AttemptRow[]> {
    await eventually(
      () => this.deliveries(messageId),
      (rows) => rows.length > 0 && rows.every((row) => row.state === state),
      `every delivery of ${messageId} is ${state}`,
      patienceMs,
    )
    return this.attempts(messageId)
  }
}

/** Asks until the answer is what is wanted: for what nobody announces. */
export async function eventually<T>(
  ask: () => Promise<T>,
  wanted: (value: T) => boolean,
  what: string,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  const until = performance.now() + patienceMs
  for (;;) {
    const value = await ask()
    if (wanted(value)) return value
    if (performance.now() > until) throw new Error(`gave up waiting until ${what}; last: ${JSON.stringify(value)}`)
    await sleep(LOOK_MS)
  }
}
