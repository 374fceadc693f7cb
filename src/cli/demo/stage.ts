/** What a step of the story works with, and how it says what it saw. */
import type { AdminClient } from '../../admin/client.ts'
import { type Answered, ask } from './ask.ts'
import type { Partner } from './partner.ts'
import type { Saved } from './saved.ts'
import type { Say } from './say.ts'
import type { Shop } from './shop.ts'

export interface Stage {
  readonly saved: Saved
  readonly shop: Shop
  readonly partner: Partner
  /** The API of the running gateway. */
  readonly api: AdminClient
  readonly say: Say
}

export interface Step {
  /** One word. */
  readonly name: string
  /** Rejects with StepMissed when something did not happen. */
  play(stage: Stage): Promise<void>
}

/** Something of the story did not happen; the message says what, as an expectation. */
export class StepMissed extends Error {
  override readonly name = 'StepMissed'
}

/** How long anything in the story may take that is not a planned wait. */
export const SOON_MS = 10_000

export function expect(happened: boolean, expectation: string): asserts happened {
  if (!happened) throw new StepMissed(expectation)
}

export function expectStatus({ status, text }: Answered, expected: number, what: string): void {
  expect(status === expected, `${what} is answered ${expected}; it was ${status} ${text}`.trim())
}

/** The value of something awaited, or StepMissed. */
export function arrived<T>(value: T | undefined, expectation: string): T {
  expect(value !== undefined, expectation)
  return value
}

/** A request of the mobile app, with its API key. */
export function askAsApp({ saved }: Stage, method: string, path: string, body?: object): Promise<Answered> {
  return ask(saved.gateway + path, {
    method,
    headers: { 'x-api-key': saved.apiKey, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}
