/** Steps of what comes in to be kept: webhooks of Stripe and GitHub, and an import that must not be lost. */
import { systemClock } from '../../base/clock.ts'
import { newId } from '../../base/ids.ts'
import { github } from '../../signatures/providers/github.ts'
import { stripe } from '../../signatures/providers/stripe.ts'
import { signedEvent } from '../signed-event.ts'
import { ask } from './ask.ts'
import type { LocalService } from './local-service.ts'
import { jsonOf } from './shop.ts'
import { arrived, askAsApp, expect, expectStatus, SOON_MS, type Stage, type Step } from './stage.ts'

export const stripeStep: Step = {
  name: 'stripe',
  async play(stage) {
    const { saved, say, shop, api } = stage
    const url = `${saved.gateway}/hooks/stripe`
    const sign = (id: string) => {
      const event = { eventType: 'payment_intent.succeeded', id, body: paymentOf(id), timestampMs: systemClock.now() }
      return signedEvent(stripe, saved.stripeSecret, event)
    }

    const id = newId('evt_', systemClock.now())
    const { headers, body } = sign(id)
    const accepted = await ask(url, { method: 'POST', headers, body })
    expectStatus(accepted, 200, 'a webhook signed by Stripe')
    const what = 'payment_intent.succeeded, signature verified'
    say.step({ step: 'stripe', way: ['stripe', 'postern'], what, result: accepted.status, ms: accepted.ms })
    const told = await waitFor(stage, shop.payments, (received) => jsonOf(received)['id'] === id)
    expect(told.equals(body), 'the payments service is sent the same bytes')
    say.step({ step: 'stripe', way: ['postern', 'payments'], what: 'POST /stripe-events, the same bytes', result: 200 })

    const forgedId = newId('evt_', systemClock.now())
    const forged = sign(forgedId)
    const altered = Buffer.from(Buffer.from(forged.body).toString().replace('4200', '1'))
    const refused = await ask(url, { method: 'POST', headers: forged.headers, body: altered })
    expectStatus(refused, 401, 'a webhook altered on its way')
    const { data } = await api.messages({ origin: 'source:stripe', limit: 10 })
    expect(!data.some((message) => message.eventId === forgedId), 'an altered webhook is not stored')
    expect(!shop.payments.arrived.some((one) => one.body.equals(altered)), 'an altered webhook reaches nobody')
    const nothing = 'one byte altered: refused, nothing stored'
    say.step({ step: 'stripe', way: ['stripe', 'postern'], what: nothing, result: refused.status, ms: refused.ms })
  },
}

/** The odd spacing is on purpose: what arrives is compared byte for byte. */
function paymentOf(id: string): Buffer {
  const data = '{"object": {"amount": 4200, "currency": "eur"}}'
  return Buffer.from(`{ "id": "${id}",  "type": "payment_intent.succeeded", "data": ${data} }\n`)
}

export const githubStep: Step = {
  name: 'github',
  async play(stage) {
    const { saved, say, shop } = stage
    const id = newId('gh-', systemClock.now())
    const body = Buffer.from(JSON.stringify({ ref: 'refs/heads/main', after: id, commits: [] }))
    const event = { eventType: 'push', id, body, timestampMs: systemClock.now() }
    const { headers } = signedEvent(github, saved.githubSecret, event)
    const accepted = await ask(`${saved.gateway}/hooks/github`, { method: 'POST', headers, body })
    expectStatus(accepted, 200, 'a webhook signed by GitHub')
    const what = 'push, signature verified'
    say.step({ step: 'github', way: ['github', 'postern'], what, result: accepted.status, ms: accepted.ms })
    await waitFor(stage, shop.builds, (received) => received.equals(body))
    say.step({ step: 'github', way: ['postern', 'builds'], what: 'POST /github-events, the same bytes', result: 200 })
  },
}

export const importStep: Step = {
  name: 'import',
  async play(stage) {
    const { say, shop } = stage
    const batch = newId('batch_', systemClock.now())
    const receipt = await askAsApp(stage, 'POST', '/orders/import', { batch, orders: [{ sku: 'mug', quantity: 12 }] })
    expectStatus(receipt, 202, 'POST /orders/import')
    const { id } = jsonOf(Buffer.from(receipt.text))
    expect(typeof id === 'string', 'the answer is a receipt with an id')
    const what = 'POST /orders/import: stored, receipt given'
    say.step({ step: 'import', way: ['app', 'postern'], what, result: receipt.status, ms: receipt.ms })
    await waitFor(stage, shop.orders, (received) => jsonOf(received)['batch'] === batch)
    say.step({ step: 'import', way: ['postern', 'orders'], what: 'delivered afterwards, with retries', result: 200 })
  },
}

/** The body of the first request to a service that `wanted` accepts. */
async function waitFor({ say }: Stage, service: LocalService, wanted: (body: Buffer) => boolean): Promise<Buffer> {
  const arrival = service.arrival(({ body }) => (wanted(body) ? body : undefined), SOON_MS)
  return arrived(await say.during(`${service.name} is told`, arrival), `the service ${service.name} is told`)
}
