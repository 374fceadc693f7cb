/** Every provider there is. A new one is a file beside this one and a line here. */
import type { Scheme } from '../scheme.ts'
import { github } from './github.ts'
import { standardWebhooks } from './standard-webhooks.ts'
import { stripe } from './stripe.ts'

export const PROVIDERS: readonly Scheme[] = [github, standardWebhooks, stripe]

const BY_ID: ReadonlyMap<string, Scheme> = new Map(PROVIDERS.map((scheme) => [scheme.id, scheme]))

export function providerById(id: string): Scheme | null {
  return BY_ID.get(id) ?? null
}
