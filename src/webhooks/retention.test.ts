/** retention: what is too old is forgotten, in slices, by one process. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { PostRig } from '../../test/support/unit/post-rig.ts'
import { remoteLog } from '../observe/log.ts'
import { newMessage } from '../store/conformance/subject.ts'
import { Retention } from './retention.ts'

it('forgets what is older than the configuration says, all of it, and nothing else', async (t) => {
  const rig = await PostRig.start(t)
  await rig.endpoint('ep')
  for (let i = 0; i < 450; i += 50) {
    await Promise.all(Array.from({ length: 50 }, () => rig.send(['ep'])))
    await rig.untilCount('delivered', i + 50)
  }
  rig.advance(86_400_000)
  const kept = await rig.send(['ep'])
  await rig.untilState(kept, 'ep', 'delivered')
  let messagesMs = 0
  const retention = new Retention({
    store: rig.store,
    clock: rig.clock,
    log: remoteLog(() => {}),
    holder: 'process 1',
    rules: () => ({ messagesMs, attemptsMs: 0 }),
  })
  assert.equal(await retention.forget(), 0)
  messagesMs = 3_600_000
  assert.equal(await retention.forget(), 450)
  const { messages, deliveries } = await rig.store.stats()
  assert.deepEqual([messages, deliveries['delivered']], [1, 1])
  assert.equal((await rig.store.listAttempts({ limit: 10 })).length, 1)
})

it('lets payloads go when their time has come, and keeps their messages', async (t) => {
  const rig = await PostRig.start(t)
  const now = rig.clock.now()
  const sent = Array.from({ length: 450 }, (_, i) =>
    newMessage({ endpoints: [], createdAt: now, expiresAt: now + (i < 400 ? 1_000 : 60_000) }),
  )
  await rig.store.append('engine', sent)
  const retention = new Retention({
    store: rig.store,
    clock: rig.clock,
    log: remoteLog(() => {}),
    holder: 'process 1',
    rules: () => ({ messagesMs: 0, attemptsMs: 0 }),
  })
  assert.equal(await retention.forget(), 0)
  rig.advance(2_000)
  assert.equal(await retention.forget(), 400)
  const left = (await rig.store.listMessages({ limit: 500 })).filter(({ expunged }) => !expunged)
  assert.equal(left.length, 50)
})
