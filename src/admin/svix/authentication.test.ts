/** Tokens of applications through the unmodified Svix clients: what they open, what they do not, and how they end. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiException, AppPortalCapability, Svix } from 'svix'
import { openHost, refused } from '../test-host.ts'

const URL_OF_PARTNER = 'https://partner.example/hooks'

type Host = Awaited<ReturnType<typeof openHost>>

const withToken = ({ url }: Host, token: string) => new Svix(token, { serverUrl: url, numRetries: 0 })

async function access(host: Host, app: string, options: Parameters<Svix['authentication']['appPortalAccess']>[1] = {}) {
  return withToken(host, (await host.svix.authentication.appPortalAccess(app, options)).token)
}

/** `a`: allowed, `d`: denied, of calls that would otherwise succeed. */
async function verdict(call: () => Promise<unknown>): Promise<string> {
  try {
    await call()
    return 'a'
  } catch (error) {
    assert.ok(error instanceof ApiException, String(error))
    assert.deepEqual([error.code, error.body.code], [403, 'insufficient_access'])
    return 'd'
  }
}

test('a token opens its own application, as far as its capabilities go', async (t) => {
  const host = await openHost(t, { resend: async () => true })
  await host.svix.application.create({ name: 'Shop', uid: 'shop' })
  await host.svix.endpoint.create('shop', { url: URL_OF_PARTNER, uid: 'main' })
  const { id } = await host.svix.message.create('shop', { eventType: 'a', payload: {} })
  const calls = (svix: Svix): (() => Promise<unknown>)[] => [
    () => svix.application.get('shop'),
    () => svix.endpoint.list('shop'),
    () => svix.message.get('shop', id),
    () => svix.messageAttempt.listByMsg('shop', id),
    () => svix.eventType.list(),
    () => svix.endpoint.getSecret('shop', 'main'),
    () => svix.endpoint.rotateSecret('shop', 'main'),
    () => svix.endpoint.transformation.patch('shop', 'main', { code: 'x' }),
    () => svix.messageAttempt.resend('shop', id, 'main'),
    () => svix.endpoint.patch('shop', 'main', { description: 'd' }),
    () => svix.endpoint.setHeaders('shop', 'main', { headers: {} }),
  ]
  const { ViewBase, ViewEndpointSecret, ManageEndpointSecret, ManageTransformations, CreateAttempts, ManageEndpoint } =
    AppPortalCapability
  const rows: [Parameters<typeof access>[2], string][] = [
    [{}, 'aaaaa aa a a aa'],
    [{ readOnly: true }, 'aaaaa dd d d dd'],
    [{ capabilities: [ViewBase] }, 'aaaaa dd d d dd'],
    [{ capabilities: [ViewBase, ViewEndpointSecret] }, 'aaaaa ad d d dd'],
    [{ capabilities: [ViewBase, ManageEndpointSecret] }, 'aaaaa aa d d dd'],
    [{ capabilities: [ViewBase, ManageTransformations] }, 'aaaaa dd a d dd'],
    [{ capabilities: [ViewBase, CreateAttempts] }, 'aaaaa dd d a dd'],
    [{ capabilities: [ViewBase, ManageEndpoint] }, 'aaaaa aa d d aa'],
  ]
  for (const [options, expected] of rows) {
    const svix = await access(host, 'shop', options)
    const verdicts = []
    for (const call of calls(svix)) verdicts.push(await verdict(call))
    assert.equal(verdicts.join(''), expected.replaceAll(' ', ''), JSON.stringify(options))
  }
})

test('a token opens no other application, and nothing of the operator’s', async (t) => {
  const host = await openHost(t)
  await host.svix.application.create({ name: 'A', uid: 'a' })
  const other = await host.svix.application.create({ name: 'B', uid: 'b' })
  const svix = await access(host, 'a')
  for (const app of ['b', other.id, 'none']) {
    await refused(svix.application.get(app), 404, 'not_found')
    await refused(svix.endpoint.create(app, { url: URL_OF_PARTNER }), 404, 'not_found')
    await refused(svix.message.list(app), 404, 'not_found')
  }
  for (const call of [
    () => svix.application.list(),
    () => svix.application.create({ name: 'C' }),
    () => svix.application.delete('a'),
    () => svix.application.patch('a', { uid: 'x' }),
    () => svix.eventType.create({ name: 'x', description: '' }),
    () => svix.backgroundTask.list(),
    () => svix.statistics.aggregateEventTypes(),
    () => svix.operationalWebhook.endpoint.list(),
    () => svix.authentication.appPortalAccess('a'),
    () => svix.authentication.expireAll('a'),
  ]) {
    assert.equal(await verdict(call), 'd', String(call))
  }
  const { token } = await host.svix.authentication.appPortalAccess('a')
  for (const path of ['/admin/v1/stats', '/admin/v1/messages', '/admin/openapi.json', '/api/v2/x']) {
    assert.notEqual((await host.request('GET', path, { token })).status, 200, path)
  }
})

test('a token ends: by its time, by logging out, by its session, with all the others', async (t) => {
  const host = await openHost(t)
  await host.svix.application.create({ name: 'Shop', uid: 'shop' })
  const works = async (svix: Svix) => {
    try {
      return (await svix.application.get('shop')).uid === 'shop'
    } catch (error) {
      assert.ok(error instanceof ApiException && error.code === 401 && error.body.code === 'authentication_failed')
      return false
    }
  }
  const hour = await access(host, 'shop', { expiry: 3_600 })
  const [one, two] = [await access(host, 'shop', { sessionId: 's1' }), await access(host, 'shop', { sessionId: 's2' })]
  host.clock.advance(3_600_000)
  assert.deepEqual([await works(hour), await works(one), await works(two)], [false, true, true])
  await host.svix.authentication.expireAll('shop', { sessionIds: ['s1'] })
  assert.deepEqual([await works(one), await works(two)], [false, true])
  await two.authentication.logout()
  assert.equal(await works(two), false)
  await refused(two.authentication.logout(), 401)
  await refused(host.svix.authentication.logout(), 403, 'insufficient_access')
  const later = await access(host, 'shop')
  await host.svix.authentication.expireAll('shop', { expiry: 60 })
  assert.equal(await works(later), true)
  host.clock.advance(60_000)
  assert.equal(await works(later), false)
  await refused(host.svix.authentication.appPortalAccess('shop', { expiry: 59 }), 422)
})

test('the link carries the token where no server sees it; an application can be made on the way', async (t) => {
  const host = await openHost(t)
  const { svix, svix1, store, url } = host
  const made = await svix.authentication.appPortalAccess('new', { application: { name: 'New' } })
  const app = await svix.application.get('new')
  const link = new URL(made.url)
  assert.deepEqual([link.origin, link.pathname, link.search], [url, '/portal', ''])
  const carried = JSON.parse(Buffer.from(link.hash.slice('#key='.length), 'base64url').toString())
  assert.deepEqual(carried, { appId: app.id, token: made.token })
  assert.equal((await svix.application.list()).data.length, 1)
  await svix.authentication.appPortalAccess('new', { application: { name: 'Ignored' } })
  assert.equal((await svix.application.list()).data.length, 1)
  await refused(svix.authentication.appPortalAccess('none'), 404, 'not_found')
  assert.equal(
    (await withToken(host, (await svix1.authentication.dashboardAccess('new')).token).application.get('new')).id,
    app.id,
  )
  // Two tokens with one key: what is shown once is not kept to be shown again.
  const options = { idempotencyKey: 'k' }
  const tokens = [
    await svix.authentication.appPortalAccess('new', {}, options),
    await svix.authentication.appPortalAccess('new', {}, options),
  ]
  assert.notEqual(tokens[0]!.token, tokens[1]!.token)
  assert.equal(await store.getToken(made.token, 0), null, 'the store knows no token, only digests')
})
