/** Deliveries as endpoints ask for them, from the API to the receiver: keys, schemes, credentials, filters, code, client certificates. */
import assert from 'node:assert/strict'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createPublicKey, verify as verifyEd25519 } from 'node:crypto'
import { copyFile } from 'node:fs/promises'
import { after, test } from 'node:test'
import { TLSSocket } from 'node:tls'
import { Stripe } from 'stripe'
import { TestAuthority } from '../support/certificates.ts'
import { startPostern } from '../support/postern.ts'
import { tempFolder } from '../support/temp.ts'
import { Admin, eventually } from './support/admin.ts'
import { Partners, verified } from './support/partners.ts'
import { Receiver } from './support/receiver.ts'

const folder = await tempFolder()
const authority = await TestAuthority.make()
await copyFile(authority.caFile, join(folder.path, 'ca.pem'))
const postern = await startPostern(
  `
listeners: [{ address: 127.0.0.1:0 }]
admin: { address: 127.0.0.1:0 }
threads: 1
egress: { allow: [127.0.0.0/8], ca: ./ca.pem }
`,
  { folder: folder.path },
)
const admin = await Admin.of(postern)
const receiver = await Receiver.start()
const partners = new Partners(admin, receiver)
after(async () => {
  await receiver.close()
  await postern.stop()
  await authority.remove()
  await folder.remove()
})

async function change(name: string, endpointId: string, body: object | null, path = '') {
  const answer = await admin.fetch(`/admin/v1/consumers/${name}/endpoints/${endpointId}/sending${path}`, {
    method: body === null ? 'POST' : 'PATCH',
    headers: { 'Content-Type': 'application/json' },
    ...(body === null ? {} : { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  assert.ok(answer.ok, text)
  return JSON.parse(text)
}

test('a delivery is signed as Standard Webhooks (v1 and v1a) and as Stripe at once, and says who sends it', async () => {
  const { name, inbox, endpointId, secret } = await partners.next()
  const { publicKeys } = await change(name, endpointId, null, '/keys')
  await change(name, endpointId, {
    scheme: { provider: 'stripe' },
    auth: { kind: 'bearer', token: 'partner-token' },
  })
  await admin.settled(await partners.publish(name, { id: 'evt_1', object: 'event' }), 'delivered')
  const [request] = inbox.taken
  verified(secret, request!)
  Stripe.webhooks.constructEvent(request!.body, String(request!.headers['stripe-signature']), secret)
  assert.equal(request!.headers['authorization'], 'Bearer partner-token')
  const x = Buffer.from(String(publicKeys[0]).slice('whpk_'.length), 'base64').toString('base64url')
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  const { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': signatures } = request!.headers
  const signed = Buffer.concat([Buffer.from(`${String(id)}.${String(time)}.`), request!.body])
  const v1a = String(signatures)
    .split(' ')
    .find((one) => one.startsWith('v1a,'))!
  assert.ok(verifyEd25519(null, signed, key, Buffer.from(v1a.slice('v1a,'.length), 'base64')))
})

test('a filter keeps back what is not wanted; code makes what is sent', async () => {
  const { name, inbox, endpointId, secret } = await partners.next()
  await change(name, endpointId, { filter: { order: { total: { $gte: 100 } } } })
  const code = 'function handler(webhook) { webhook.payload = { total: webhook.payload.order.total }; return webhook }'
  await admin.svix.endpoint.transformation.patch(name, endpointId, { code, enabled: true })
  await partners.publish(name, { order: { total: 99 } })
  await admin.settled(await partners.publish(name, { order: { total: 100 } }), 'delivered')
  assert.deepEqual(
    inbox.taken.map((request) => verified(secret, request)),
    [{ total: 100 }],
  )
})

test('an endpoint that asks for a client certificate is shown the one of its own, and no other is', async (t) => {
  const [server, client] = [
    authority.issue('server', '/CN=server', ['IP:127.0.0.1']),
    authority.issue('client', '/CN=shop', []),
  ]
  const seen: string[] = []
  const options = { cert: server.chain, key: server.key, ca: authority.ca, requestCert: true, rejectUnauthorized: true }
  const https = createServer(options, (request, response) => {
    if (request.socket instanceof TLSSocket) seen.push(String(request.socket.getPeerCertificate().subject.CN))
    request.resume().on('end', () => response.writeHead(204).end())
  })
  await new Promise<void>((resolve) => https.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    https.closeAllConnections()
    https.close()
  })
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const url = `https://127.0.0.1:${(https.address() as AddressInfo).port}/hook`
  const { name, endpointId } = await partners.next({ url })
  const { endpointId: other } = { endpointId: (await admin.svix.endpoint.create(name, { url, uid: 'without' })).id }
  await change(name, endpointId, { clientCertificate: { certificate: client.chain, key: client.key } })
  const id = await partners.publish(name)
  const attempts = await eventually(
    () => admin.svix.messageAttempt.listByMsg(name, id),
    (made) => made.data.length >= 2,
    'there are two attempts',
  )
  const good = attempts.data.filter((one) => one.responseStatusCode === 204).map((one) => one.endpointId)
  assert.deepEqual([good, seen], [[endpointId], ['shop']])
  assert.ok(attempts.data.some((one) => one.endpointId === other && one.responseStatusCode !== 204))
})
