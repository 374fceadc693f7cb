/** The shop's own services, which know nothing of a gateway. */
import { systemClock } from '../../base/clock.ts'
import { newId } from '../../base/ids.ts'
import { type Answer, type Arrived, LocalService } from './local-service.ts'

export interface Shop {
  readonly profiles: LocalService
  readonly cart: LocalService
  readonly payments: LocalService
  readonly orders: LocalService
  readonly builds: LocalService
}

const THANKS: Answer = { status: 200, body: { received: true } }
const NOT_FOUND: Answer = { status: 404, body: { error: 'no such thing' } }

/** Answers one method and path, and 404 to all else. */
function only(method: string, path: string, answer: (arrived: Arrived) => Answer): (arrived: Arrived) => Answer {
  return (arrived) => (arrived.method === method && arrived.path === path ? answer(arrived) : NOT_FOUND)
}

export async function openShop(): Promise<Shop> {
  const [profiles, cart, payments, orders, builds] = await Promise.all([
    LocalService.start('profiles', only('GET', '/user/profile', profile)),
    LocalService.start('cart', only('POST', '/cart/add', addToCart)),
    LocalService.start(
      'payments',
      only('POST', '/stripe-events', () => THANKS),
    ),
    LocalService.start(
      'orders',
      only('POST', '/orders/import', () => THANKS),
    ),
    LocalService.start(
      'builds',
      only('POST', '/github-events', () => THANKS),
    ),
  ])
  return { profiles, cart, payments, orders, builds }
}

export async function closeShop(shop: Shop): Promise<void> {
  const services: readonly LocalService[] = Object.values(shop)
  await Promise.all(services.map((service) => service.close()))
}

/** The gateway says who calls; the service believes it because nobody else can reach it. */
function profile({ headers }: Arrived): Answer {
  return { status: 200, body: { name: 'Robin', tier: 'gold', calledBy: headers['x-consumer-name']?.[0] ?? null } }
}

function addToCart({ body }: Arrived): Answer {
  const item = jsonOf(body)
  const { sku, quantity = 1 } = item
  if (typeof sku !== 'string' || typeof quantity !== 'number') {
    return { status: 422, body: { error: 'an item is {"sku": text, "quantity": number}' } }
  }
  return { status: 201, body: { line: newId('line_', systemClock.now()), sku, quantity } }
}

/** The members of a JSON object; none when it is something else. */
export function jsonOf(body: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}
