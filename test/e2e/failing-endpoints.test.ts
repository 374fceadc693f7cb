/** Endpoints that are gone or fail for too long: disabled for every engine, what they are sent held, and who runs the system told. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { z } from 'zod'
import { startPostern } from '../support/postern.ts'
import { Admin, eventually } from './support/admin.ts'
import { Partners, verified } from './support/partners.ts'
import { Receiver } from './support/receiver.ts'

const postern = await startPostern(`
listeners: [{ address: 127.0.0.1:0 }]
admin: { address: 127.0.0.1:0 }
threads: 2
egress: { allow: [127.0.0.0/8] }
delivery:
  schedule: [200ms, 400ms, 400ms, 400ms, 400ms, 400ms, 400ms, 400ms, 400ms]
  breaker: { failures: 1000 }
  warn-after: [1ms]
  disable-after: 1s
`)
const admin = await Admin.of(postern)
const { svix } = admin
const receiver = await Receiver.start()
const partners = new Partners(admin, receiver)
after(async () => {
  await receiver.close()
  await postern.stop()
})

const desk = receiver.at('/desk')
const operational = await svix.operationalWebhook.endpoint.create({ url: desk.url })
const { key } = await svix.operationalWebhook.endpoint.getSecret(operational.id)

const NEWS = z.object({ type: z.string(), data: z.record(z.string(), z.unknown()) })

/** What the operational endpoint has been told of an application, in order. */
async function told(name: string, count: number): Promise<readonly z.infer<typeof NEWS>[]> {
  const app = await svix.application.get(name)
  const about = () =>
    desk.taken.map((one) => NEWS.parse(verified(key, one))).filter(({ data }) => data['appId'] === app.id)
  await desk.untilTrue(() => about().length >= count, `${count} news of ${name}`)
  return about()
}

test('an endpoint that answers 410 is disabled at once, and what comes later is held', async () => {
  const { name, inbox, endpointId } = await partners.next()
  inbox.script = () => ({ status: 410 })
  const id = await partners.publish(name)
  await admin.settled(id, 'exhausted')
  await eventually(
    () => svix.endpoint.get(name, endpointId),
    (endpoint) => endpoint.disabled === true,
    'it is disabled',
  )
  // Every engine has heard of it: whichever takes the next ones.
  for (let i = 0; i < 8; i++) await admin.settled(await partners.publish(name), 'held')
  assert.equal(inbox.taken.length, 1)
  const news = await told(name, 2)
  assert.deepEqual(news.map((one) => one.type).toSorted(), ['endpoint.disabled', 'message.attempt.exhausted'])
  const disabled = news.find((one) => one.type === 'endpoint.disabled')!.data
  assert.deepEqual([disabled['endpointId'], disabled['reason']], [endpointId, 'gone'])
})

test('a receiver says in Webhook-Delivery that it wants no more of a message, or of anything', async () => {
  const { name, inbox, endpointId } = await partners.next()
  inbox.script = () => ({ status: 500, headers: { 'Webhook-Delivery': 'abort-message' } })
  const aborted = await partners.publish(name)
  const [attempt] = await admin.settled(aborted, 'exhausted')
  assert.equal(attempt!.failure, 'aborted')
  inbox.script = () => ({ headers: { 'Webhook-Delivery': 'disable' } })
  await admin.settled(await partners.publish(name), 'delivered')
  await eventually(
    () => svix.endpoint.get(name, endpointId),
    (endpoint) => endpoint.disabled === true,
    'it is disabled',
  )
  assert.equal(inbox.taken.length, 2)
})

test('one that fails for too long is told of, then disabled; enabled again and recovered it takes what was held', async () => {
  const { name, inbox, endpointId } = await partners.next()
  inbox.script = () => ({ status: 500 })
  const id = await partners.publish(name)
  const since = new Date(Date.now() - 60_000)
  await admin.settled(id, 'held')
  const later = await partners.publish(name)
  await admin.settled(later, 'held')
  const news = await told(name, 2)
  assert.deepEqual(
    news.map((one) => one.type),
    ['endpoint.failing', 'endpoint.disabled'],
  )
  assert.equal(news[1]!.data['reason'], 'failing')
  inbox.script = () => ({})
  await svix.endpoint.patch(name, endpointId, { disabled: false })
  await svix.endpoint.recover(name, endpointId, { since })
  for (const one of [id, later]) await admin.settled(one, 'delivered')
})
