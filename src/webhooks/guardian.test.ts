/** guardian: endpoints that fail, are well again, or are gone; what their owners hear, and what a restart remembers. */
import assert from 'node:assert/strict'
import { type TestContext, describe, it } from 'node:test'
import { PostRig } from '../../test/support/unit/post-rig.ts'
import { remoteLog } from '../observe/log.ts'
import { type Announcement, Guardian } from './guardian.ts'
import type { EndpointNews } from './news.ts'

const [HOUR, DAY] = [3_600_000, 86_400_000]

class Watch {
  readonly rig: PostRig
  readonly heard: Announcement[] = []
  readonly changed: string[] = []
  readonly known: string[] = []
  readonly pauses: [string, number][] = []
  guardian: Guardian
  rules = { afterMs: 5 * DAY, warnAfterMs: [HOUR, DAY] }

  constructor(rig: PostRig) {
    this.rig = rig
    this.guardian = this.another()
  }

  static async begin(t: TestContext): Promise<Watch> {
    const rig = await PostRig.start(t)
    await rig.endpoint('ep', 204, { uid: 'hook' })
    return new Watch(rig)
  }

  /** As after a restart. */
  another(): Guardian {
    return new Guardian({
      store: this.rig.store,
      clock: this.rig.clock,
      log: remoteLog(() => {}),
      rules: () => this.rules,
      failing: async (endpointId) => void this.known.push(endpointId),
      changed: async (endpoint) => void this.changed.push(`${endpoint.id} ${endpoint.disabled}`),
      announce: async (announcement) => void this.heard.push(announcement),
      pause: async (endpointId, ms) => void this.pauses.push([endpointId, ms]),
    })
  }

  async hear(news: Partial<EndpointNews>): Promise<readonly string[]> {
    const before = this.heard.length
    const none = { endpointId: 'ep', consumerId: 'app_1', ok: false, failure: null, gone: false, patienceMs: 0 }
    this.guardian.hear([{ ...none, ...news }])
    await this.guardian.settled()
    return this.heard.slice(before).map((one) => one.eventType)
  }
}

describe('an endpoint that fails', () => {
  it('is told of at each stage, once, and disabled in the end', async (t) => {
    const watch = await Watch.begin(t)
    const { rig } = watch
    const fails = () => watch.hear({ failure: 'status' })
    assert.deepEqual(await fails(), [])
    assert.deepEqual(watch.known, ['ep'], 'every engine listens for its recovery')
    const since = new Date(rig.clock.now()).toISOString()
    rig.clock.advance(HOUR - 1)
    assert.deepEqual(await fails(), [])
    rig.clock.advance(1)
    assert.deepEqual(await fails(), ['endpoint.failing'])
    assert.deepEqual(watch.heard.at(-1)!.data, {
      appId: 'app_1',
      appUid: null,
      endpointId: 'ep',
      endpointUid: 'hook',
      failSince: since,
      lastFailure: 'status',
    })
    assert.deepEqual(await fails(), [])
    rig.clock.advance(DAY)
    assert.deepEqual(await fails(), ['endpoint.failing'])
    rig.clock.advance(5 * DAY)
    assert.deepEqual(await fails(), ['endpoint.disabled'])
    assert.equal(watch.heard.at(-1)!.data['reason'], 'failing')
    assert.deepEqual(watch.changed, ['ep true'])
    assert.equal((await rig.store.getEndpoint('app_1', 'ep'))!.disabled, true)
    assert.deepEqual(await rig.store.allHealth(), [])
    assert.deepEqual(await fails(), [], 'what was under way adds nothing')
  })

  it('and is well again begins anew', async (t) => {
    const watch = await Watch.begin(t)
    await watch.hear({ failure: 'status' })
    assert.deepEqual(await watch.hear({ ok: true }), [], 'nobody had heard of it')
    await watch.hear({ failure: 'reset' })
    watch.rig.clock.advance(2 * HOUR)
    assert.deepEqual(await watch.hear({ failure: 'reset' }), ['endpoint.failing'])
    assert.deepEqual(await watch.hear({ ok: true, failure: 'reset' }), ['endpoint.recovered'])
    watch.rig.clock.advance(6 * DAY)
    assert.deepEqual(await watch.hear({ failure: 'reset' }), [])
  })

  it('is not disabled without a warning, nor for what was before somebody disabled it', async (t) => {
    const watch = await Watch.begin(t)
    await watch.hear({ failure: 'status' })
    watch.rig.clock.advance(6 * DAY)
    assert.deepEqual(await watch.hear({ failure: 'status' }), ['endpoint.failing'])
    const endpoint = (await watch.rig.store.getEndpoint('app_1', 'ep'))!
    watch.guardian.changed([{ ...endpoint, disabled: true }])
    watch.guardian.changed([endpoint])
    assert.deepEqual(await watch.hear({ failure: 'status' }), [])
    assert.deepEqual(watch.changed, [])
  })

  it('is remembered by the next process', async (t) => {
    const watch = await Watch.begin(t)
    await watch.hear({ failure: 'status' })
    watch.rig.clock.advance(DAY)
    await watch.hear({ failure: 'status' })
    watch.guardian = watch.another()
    assert.deepEqual(await watch.guardian.start(), ['ep'])
    watch.rig.clock.advance(HOUR)
    assert.deepEqual(await watch.hear({ failure: 'status' }), [])
    watch.rig.clock.advance(4 * DAY)
    assert.deepEqual(await watch.hear({ failure: 'status' }), ['endpoint.disabled'])
  })

  it('is never disabled where the configuration says so', async (t) => {
    const watch = await Watch.begin(t)
    watch.rules = { afterMs: 0, warnAfterMs: [] }
    await watch.hear({ failure: 'status' })
    watch.rig.clock.advance(400 * DAY)
    assert.deepEqual(await watch.hear({ failure: 'status' }), [])
  })
})

it('an endpoint that is gone is disabled at once', async (t) => {
  const watch = await Watch.begin(t)
  assert.deepEqual(await watch.hear({ failure: 'gone', gone: true }), ['endpoint.disabled'])
  assert.equal(watch.heard[0]!.data['reason'], 'gone')
  assert.deepEqual(await watch.hear({ failure: 'gone', gone: true }), [])
})

it('patience is passed on at once', async (t) => {
  const watch = await Watch.begin(t)
  await watch.hear({ consumerId: '', patienceMs: 3_000 })
  assert.deepEqual(watch.pauses, [['ep', 3_000]])
})
