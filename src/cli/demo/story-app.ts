/** Steps of the mobile app: it reads its profile, and adds to the cart, of which the partner hears. */
import { ask } from './ask.ts'
import { jsonOf } from './shop.ts'
import { arrived, askAsApp, expect, expectStatus, SOON_MS, type Stage, type Step } from './stage.ts'

export const profileStep: Step = {
  name: 'profile',
  async play(stage) {
    const { saved, say, shop } = stage
    const what = 'GET /user/profile'
    const good = await askAsApp(stage, 'GET', '/user/profile')
    expectStatus(good, 200, `${what} with the app's key`)
    const { calledBy } = jsonOf(Buffer.from(good.text))
    expect(calledBy === 'mobile-app', 'the service is told that the consumer mobile-app calls')
    say.step({ step: 'profile', way: ['app', 'postern', 'profiles'], what, result: good.status, ms: good.ms })

    const before = shop.profiles.arrived.length
    const wrong = await ask(`${saved.gateway}/user/profile`, { headers: { 'x-api-key': 'a-key-of-nobody' } })
    expectStatus(wrong, 401, `${what} with a wrong key`)
    expect(shop.profiles.arrived.length === before, 'a request with a wrong key does not reach the service')
    const refused = `${what} with a wrong key: refused here`
    say.step({ step: 'profile', way: ['app', 'postern'], what: refused, result: wrong.status, ms: wrong.ms })
  },
}

export const cartStep: Step = {
  name: 'cart',
  async play(stage) {
    const { partner, say } = stage
    const line = await addToCart(stage, 'cart', 'mug')
    const taken = await say.during(
      'the partner is told',
      partner.service.arrival((one) => aboutLine(partner.taken(one)?.data, line), SOON_MS),
    )
    const event = arrived(taken, 'the partner takes a signed cart.item_added about that item')
    expect(event['sku'] === 'mug', 'the event holds what the cart answered')
    const what = 'cart.item_added, signature verified'
    say.step({ step: 'cart', way: ['postern', 'partner'], what, result: 200 })
  },
}

/** Adds one item through the gateway; resolves to the id that the cart gave it, unique to this event. */
export async function addToCart(stage: Stage, step: string, sku: string): Promise<string> {
  const added = await askAsApp(stage, 'POST', '/cart/add', { sku, quantity: 1 })
  expectStatus(added, 201, 'POST /cart/add')
  const { line } = jsonOf(Buffer.from(added.text))
  expect(typeof line === 'string', 'the cart says which line the item has become')
  const what = 'POST /cart/add'
  stage.say.step({ step, way: ['app', 'postern', 'cart'], what, result: added.status, ms: added.ms })
  return line
}

/** An event's data if it is about this line of the cart. */
export function aboutLine(data: unknown, line: string): Readonly<Record<string, unknown>> | undefined {
  if (typeof data !== 'object' || data === null) return undefined
  const item: Readonly<Record<string, unknown>> = { ...data }
  return item['line'] === line ? item : undefined
}
