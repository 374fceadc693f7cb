/** Webhooks from providers: signed by the providers' own libraries, verified over the bytes, stored once, delivered as they came. */
import assert from 'node:assert/strict'
import { createHash, createHmac, randomUUID } from 'node:crypto'
import { after, test } from 'node:test'
import { Stripe } from 'stripe'
import { startPostern } from '../support/postern.ts'
import { exchangeOnce } from '../../src/selftest/raw-client.ts'
import { Admin, eventually } from './support/admin.ts'
import { Receiver, type Taken, closedPort } from './support/receiver.ts'

const SECRET = 'whsec_of_the_shop_account'
const NEXT_SECRET = 'whsec_that_follows_it'
const receiver = await Receiver.start()
const latePort = await closedPort()
const postern = await startPostern(`
listeners: [{ address: 127.0.0.1:0 }]
admin: { address: 127.0.0.1:0 }
threads: 1
delivery: { schedule: [${Array.from({ length: 60 }, () => '100ms').join(', ')}] }
services:
  payments: { instances: [${receiver.url}] }
  late: { instances: [http://127.0.0.1:${latePort}] }
routes:
  stripe: { match: { path: /hooks/stripe, methods: [POST] }, ingest: stripe }
  small: { match: { path: /hooks/small, methods: [POST] }, body-max: 1KiB, ingest: stripe }
  picky: { match: { path: /hooks/picky, methods: [POST] }, ingest: picky }
  late: { match: { path: /hooks/late, methods: [POST] }, ingest: late }
sources:
  stripe:
    provider: stripe
    secrets: [${SECRET}, ${NEXT_SECRET}]
    deliver: [{ service: payments, path: /stripe-events }]
  picky:
    provider: stripe
    secrets: [${SECRET}]
    deliver: [{ service: payments, path: /succeeded, events: [payment_intent.succeeded] }]
  late: { provider: stripe, secrets: [${SECRET}], deliver: [{ service: late, path: /late }] }
`)
const admin = await Admin.of(postern)
const service = receiver.at('/stripe-events')
after(async () => {
  await receiver.close()
  await postern.stop()
})

const now = (): number => Math.floor(Date.now() / 1_000)
const event = (id = `evt_${randomUUID()}`, type = 'payment_intent.succeeded'): string =>
  JSON.stringify({ id, object: 'event', type, data: { object: { id: 'pi_1', amount: 4200, currency: 'eur' } } })

/** As Stripe's library signs it. */
const signed = (payload: string, secret = SECRET, timestamp = now()): string =>
  Stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp })

/** The same over bytes that are no text, which the library cannot be given. */
function signedBytes(payload: Buffer, timestamp = now()): string {
  const v1 = createHmac('sha256', SECRET).update(`${timestamp}.`).update(payload).digest('hex')
  return `t=${timestamp},v1=${v1}`
}

interface Reply {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

async function send(body: string | Buffer, signature: string | null, path = '/hooks/stripe'): Promise<Reply> {
  const headers = {
    'Content-Type': 'application/json',
    ...(signature === null ? {} : { 'Stripe-Signature': signature }),
  }
  const answer = await fetch(postern.gateway[0]! + path, { method: 'POST', headers, body })
  return { status: answer.status, body: JSON.parse(await answer.text()) }
}

const stored = async (): Promise<number> => (await admin.stats()).messages
const sha256 = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex')
const messageIdOf = ({ headers }: Taken): unknown => headers['postern-message-id']

/** What the service got of a message, once it is delivered. */
async function deliveredOf(id: unknown): Promise<Taken> {
  await admin.settled(String(id), 'delivered')
  const taken = service.taken.filter((one) => messageIdOf(one) === id)
  assert.equal(taken.length, 1)
  return taken[0]!
}

test('a signed event is stored, answered and delivered so that the service can verify it again', async () => {
  const payload = event()
  const { status, body } = await send(payload, signed(payload))
  assert.equal(status, 200)
  const [message] = await admin.messages('source:stripe')
  assert.deepEqual(
    { ...message },
    {
      id: body['id'],
      eventType: 'payment_intent.succeeded',
      eventId: JSON.parse(payload).id,
      bytes: payload.length,
    },
  )
  const taken = await deliveredOf(body['id'])
  assert.deepEqual([taken.method, taken.url], ['POST', '/stripe-events'])
  const verified = Stripe.webhooks.constructEvent(taken.body, String(taken.headers['stripe-signature']), SECRET)
  assert.equal(verified.id, JSON.parse(payload).id)
})

test('the service sees the sender’s own header lines, in their case and order', async () => {
  const payload = event()
  const lines = [
    'User-Agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)',
    'X-Request-start: 1',
    'accept: */*; q=0.5, application/xml',
    `stripe-SIGNATURE: ${signed(payload)}`,
    'X-Twice: one',
    'content-TYPE: application/json; charset=utf-8',
    'x-twice: Two',
  ]
  const answer = await exchangeOnce(
    postern.port(),
    `POST /hooks/stripe HTTP/1.1\r\nHost: hooks.shop.example\r\n${lines.join('\r\n')}\r\nContent-Length: ${payload.length}\r\n\r\n${payload}`,
  )
  assert.equal(answer.status, 200)
  const taken = await deliveredOf(JSON.parse(answer.body.toString()).id)
  assert.deepEqual(
    taken.lines.filter((line) => lines.includes(line)),
    lines,
  )
  assert.equal(taken.headers['x-forwarded-for'], '127.0.0.1')
  assert.equal(taken.headers['postern-attempt'], '1')
})

/** Bodies that something that parses and writes again, or decodes, or trims, would change. */
const AWKWARD: Readonly<Record<string, string | Buffer>> = {
  'CRLF line ends': `{\r\n  "id": "evt_${randomUUID()}",\r\n  "object": "event"\r\n}\r\n`,
  'a byte order mark': `\ufeff{"id":"evt_${randomUUID()}","object":"event"}`,
  'escapes of what need not be escaped': `{"id":"evt_${randomUUID()}","object":"event","a":"\\u00e9\\/\\u0041"}`,
  'integers beyond 2^53': `{"id":"evt_${randomUUID()}","object":"event","n":12345678901234567890,"f":1.0,"e":1E2}`,
  'duplicate keys': `{"id":"evt_first","object":"event","id":"evt_${randomUUID()}"}`,
  'a newline at the end': `{"id":"evt_${randomUUID()}","object":"event"}\n`,
  'blanks around': ` \t{ "id" : "evt_${randomUUID()}", "object" : "event" } \n\n`,
  'characters beyond the first plane': `{"id":"evt_${randomUUID()}","object":"event","a":"😀é\u2028"}`,
  'text that is no JSON': 'id=1&type=payment',
  'bytes that are no UTF-8': Buffer.from([0xff, 0xfe, 0x00, 0x0d, 0x0a, 0x80, 0xc3, 0x28, 0x00]),
  'all bytes there are': Buffer.from(Array.from({ length: 256 }, (_, i) => i)),
  'a megabyte': Buffer.alloc(1_000_000, 'é\r\n'),
  nothing: '',
}

for (const [what, bytes] of Object.entries(AWKWARD)) {
  test(`bytes arrive as they were sent: ${what}`, async () => {
    const signature = typeof bytes === 'string' ? signed(bytes) : signedBytes(bytes)
    const { status, body } = await send(bytes, signature)
    assert.equal(status, 200)
    const taken = await deliveredOf(body['id'])
    assert.equal(sha256(taken.body), sha256(bytes))
    assert.equal(taken.headers['stripe-signature'], signature)
  })
}

test('fifty identical requests at once are one event: all answered 200, delivered once', async () => {
  const payload = event()
  const signature = signed(payload)
  const replies = await Promise.all(Array.from({ length: 50 }, () => send(payload, signature)))
  const id = replies[0]!.body['id']
  assert.deepEqual(
    new Set(replies.map((reply) => `${reply.status} ${String(reply.body['id'])}`)),
    new Set([`200 ${String(id)}`]),
  )
  assert.equal(replies.filter(({ body }) => body['duplicate'] !== true).length, 1)
  await deliveredOf(id)
  assert.equal((await admin.deliveries(String(id))).length, 1)

  const again = await send(payload, signed(payload, SECRET, now() - 10))
  assert.deepEqual(again, { status: 200, body: { id, duplicate: true } })
  assert.equal((await admin.attempts(String(id))).length, 1)
})

test('an event of a type that nobody asked for is stored and delivered to nobody', async () => {
  const [other, wanted] = [event(undefined, 'charge.refunded'), event()]
  const { body } = await send(other, signed(other), '/hooks/picky')
  assert.deepEqual(await admin.deliveries(String(body['id'])), [])
  const { body: second } = await send(wanted, signed(wanted), '/hooks/picky')
  await admin.settled(String(second['id']), 'delivered')
  assert.deepEqual(
    receiver.at('/succeeded').taken.map((one) => one.body.toString()),
    [wanted],
  )
})

test('every secret of the source is good: what is signed with the next one is accepted during a rotation', async () => {
  const payload = event()
  assert.equal((await send(payload, signed(payload, NEXT_SECRET))).status, 200)
})

const genuine = event()
const FORGED: Readonly<Record<string, readonly [body: string, signature: () => string | null, code: string]>> = {
  'without a signature': [genuine, () => null, 'signature-missing'],
  'with an empty signature': [genuine, () => '', 'signature-invalid'],
  'with an altered body': [genuine.replace('4200', '4201'), () => signed(genuine), 'signature-invalid'],
  'with a byte more': [`${genuine}\n`, () => signed(genuine), 'signature-invalid'],
  'with an altered signature': [
    genuine,
    () => signed(genuine).replace(/.$/, (digit) => (digit === '0' ? '1' : '0')),
    'signature-invalid',
  ],
  'with a signature cut short': [genuine, () => signed(genuine).slice(0, -2), 'signature-invalid'],
  'signed with another secret': [genuine, () => signed(genuine, 'whsec_of_somebody_else'), 'signature-invalid'],
  'with another time than was signed': [
    genuine,
    () => signed(genuine).replace(/t=\d+/, `t=${now() - 1}`),
    'signature-invalid',
  ],
  'with a time long past': [genuine, () => signed(genuine, SECRET, now() - 400), 'signature-expired'],
  'with a time to come': [genuine, () => signed(genuine, SECRET, now() + 400), 'signature-expired'],
  'without a time': [genuine, () => signed(genuine).replace(/t=\d+,/, ''), 'signature-invalid'],
}

for (const [how, [body, signature, code]] of Object.entries(FORGED)) {
  test(`a request ${how} is refused as ${code}, and nothing of it is stored`, async () => {
    const before = await stored()
    const reply = await send(body, signature())
    assert.deepEqual([reply.status, reply.body['code']], [401, code])
    assert.equal(await stored(), before)
  })
}

test('forged requests leave no trace: the genuine event that follows is the first of its id', async () => {
  const reply = await send(genuine, signed(genuine))
  assert.deepEqual([reply.status, reply.body['duplicate']], [200, undefined])
  const taken = await deliveredOf(reply.body['id'])
  assert.equal(taken.body.toString(), genuine)
})

test('a body beyond the route’s limit is refused, its length told or not, and not stored', async () => {
  const before = await stored()
  const fits = event()
  assert.equal((await send(fits, signed(fits), '/hooks/small')).status, 200)
  const large = JSON.stringify({ id: 'evt_large', object: 'event', type: 'a', data: 'x'.repeat(1_100) })
  const told = await send(large, signed(large), '/hooks/small')
  assert.deepEqual([told.status, told.body['code']], [413, 'body-too-large'])
  const chunked = await exchangeOnce(
    postern.port(),
    `POST /hooks/small HTTP/1.1\r\nHost: a\r\nStripe-Signature: ${signed(large)}\r\nTransfer-Encoding: chunked\r\n\r\n` +
      `${large.length.toString(16)}\r\n${large}\r\n0\r\n\r\n`,
  )
  assert.deepEqual([chunked.status, JSON.parse(chunked.body.toString()).code], [413, 'body-too-large'])
  assert.equal(await stored(), before + 1)
})

test('a service that is down gets the event when it is back; the provider had its answer at once', async () => {
  const payload = event()
  const { status, body } = await send(payload, signed(payload), '/hooks/late')
  assert.equal(status, 200)
  const id = String(body['id'])
  await eventually(
    () => admin.attempts(id),
    (attempts) => attempts.length >= 2,
    'two attempts have failed',
  )
  const late = await Receiver.start(latePort)
  try {
    const [taken] = await late.at('/late').until(1)
    assert.equal(taken!.body.toString(), payload)
    assert.ok(Number(taken!.headers['postern-attempt']) > 2)
    const attempts = await admin.settled(id, 'delivered')
    assert.equal(attempts[0]!.failure, 'connect-refused')
  } finally {
    await late.close()
  }
})
