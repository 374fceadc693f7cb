/** Where deliveries may go: never to an address that is not public, unless the configuration names it; judged when it is dialled. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startPostern } from '../support/postern.ts'
import { Admin } from './support/admin.ts'
import { Partners } from './support/partners.ts'
import { Receiver } from './support/receiver.ts'

/** The names in this file resolve as `dns-preload.ts` says. */
const env = { NODE_OPTIONS: `--import=${new URL('./support/dns-preload.ts', import.meta.url).href}` }
const configuration = (egress: string): string => `
listeners: [{ address: 127.0.0.1:0 }]
admin: { address: 127.0.0.1:0 }
threads: 1
delivery: { schedule: [100ms, 100ms] }
${egress}
`
const receiver = await Receiver.start()
const closed = await startPostern(configuration(''), { env })
const opened = await startPostern(configuration('egress: { allow: [127.0.0.1/32] }'), { env })
after(async () => {
  await receiver.close()
  await closed.stop()
  await opened.stop()
})
const closedAdmin = await Admin.of(closed)
const closedPartners = new Partners(closedAdmin, receiver)
const openedAdmin = await Admin.of(opened)
const openedPartners = new Partners(openedAdmin, receiver)

const BLOCKED = { status: 0, ok: false, failure: 'blocked-address' }
const brief = ({ status, ok, failure }: { status: number; ok: boolean; failure: string | null }) => ({
  status,
  ok,
  failure,
})

for (const host of [
  '127.0.0.1',
  '127.1',
  '2130706433',
  '0x7f.1',
  '0177.0.0.1',
  '0.0.0.0',
  '10.1.2.3',
  '100.64.0.1',
  '169.254.169.254',
  '172.16.0.1',
  '192.168.1.1',
  '[::1]',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[::ffff:10.0.0.1]',
  '[64:ff9b::7f00:1]',
  '[fd00::1]',
  '[fe80::1]',
  'localhost',
  'localhost.',
  'LOCALHOST',
  'app.localhost',
]) {
  test(`an endpoint at ${host} is refused when it is made`, async () => {
    const url = `http://${host}:${receiver.port}/`
    await assert.rejects(closedPartners.next({ url }), { code: 422 })
    const { name, endpointId } = await closedPartners.next({ url: 'https://partner.example/' })
    await assert.rejects(closedAdmin.svix.endpoint.patch(name, endpointId, { url }), { code: 422 })
  })
}

for (const host of ['loopback.test', 'private.test', 'metadata.test', 'mapped.test', 'mixed.test']) {
  test(`an endpoint at ${host} is refused when it is dialled, and nothing is sent`, async () => {
    const { name } = await closedPartners.next({ url: `http://${host}:${receiver.port}/` })
    const id = await closedPartners.publish(name)
    // Waiting makes no address public: it is over after one attempt.
    assert.deepEqual((await closedAdmin.settled(id, 'exhausted')).map(brief), [BLOCKED])
    assert.equal(receiver.connections, 0)
  })
}

test('an address that the configuration allows is delivered to, by name and by number', async () => {
  for (const host of ['127.0.0.1', 'loopback.test', 'mixed.test']) {
    const { name } = await openedPartners.next({ url: `http://${host}:${receiver.port}/allowed` })
    await openedAdmin.settled(await openedPartners.publish(name), 'delivered')
  }
  assert.equal(receiver.at('/allowed').taken.length, 3)
})

test('the network beside an allowed one stays closed', async () => {
  await assert.rejects(openedPartners.next({ url: `http://127.0.0.2:${receiver.port}/` }), { code: 422 })
  const { name } = await openedPartners.next({ url: `http://private.test:${receiver.port}/` })
  const id = await openedPartners.publish(name)
  assert.deepEqual((await openedAdmin.settled(id, 'exhausted')).map(brief), [BLOCKED])
})

test('a name that leads somewhere else the second time is judged the second time', async () => {
  const path = '/rebinding'
  receiver.at(path, () => ({ status: 500, headers: { Connection: 'close' } }))
  const { name } = await openedPartners.next({ url: `http://rebinding.test:${receiver.port}${path}` })
  const id = await openedPartners.publish(name)
  const attempts = await openedAdmin.settled(id, 'exhausted')
  assert.deepEqual(attempts.map(brief), [{ status: 500, ok: false, failure: 'status' }, BLOCKED])
  assert.equal(receiver.at(path).taken.length, 1)
})

test('an address that a reload no longer allows is closed, also to an endpoint that was delivered to before', async () => {
  const { name, inbox } = await openedPartners.next()
  await openedAdmin.settled(await openedPartners.publish(name), 'delivered')
  assert.equal((await opened.reload(configuration('')))['msg'], 'revision applied')
  const id = await openedPartners.publish(name)
  assert.deepEqual((await openedAdmin.settled(id, 'exhausted')).map(brief), [BLOCKED])
  assert.equal(inbox.taken.length, 1)
})
