/** connections: caps hold over all engines, places come back, and an engine that dies takes its counts along. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { ConnectionCounts, createConnectionCounts, forgetConnections } from './connections.ts'

test('a cap is one for all engines, and each listener has its own', () => {
  const buffer = createConnectionCounts(2, 3, false)
  const [a, b, elsewhere] = [
    new ConnectionCounts(buffer, 0, 0, 2, 0),
    new ConnectionCounts(buffer, 0, 2, 2, 0),
    new ConnectionCounts(buffer, 1, 0, 2, 0),
  ]
  assert.deepEqual([a.enter(), b.enter(), a.enter(), b.enter()], [true, true, false, false])
  assert.equal(elsewhere.enter(), true)
  a.leave()
  assert.deepEqual([b.enter(), a.enter()], [true, false])
})

test('a client is capped over all engines, one does not count for another, and listeners count apart', () => {
  const buffer = createConnectionCounts(2, 2, true)
  const [a, b, elsewhere] = [
    new ConnectionCounts(buffer, 0, 0, 0, 2),
    new ConnectionCounts(buffer, 0, 1, 0, 2),
    new ConnectionCounts(buffer, 1, 1, 0, 2),
  ]
  assert.deepEqual(
    [a.enterClient('192.0.2.1'), b.enterClient('192.0.2.1'), a.enterClient('192.0.2.1'), b.enterClient('192.0.2.1')],
    [true, true, false, false],
  )
  assert.deepEqual([a.enterClient('192.0.2.2'), elsewhere.enterClient('192.0.2.1')], [true, true])
  b.leaveClient('192.0.2.1')
  assert.equal(a.enterClient('192.0.2.1'), true)
})

test('what an engine had counted is forgotten with it, and nothing else', () => {
  const buffer = createConnectionCounts(1, 2, true)
  const [dead, alive] = [new ConnectionCounts(buffer, 0, 0, 2, 1), new ConnectionCounts(buffer, 0, 1, 2, 1)]
  assert.ok(dead.enter() && alive.enter() && dead.enterClient('a') && alive.enterClient('b'))
  forgetConnections(buffer, 0)
  assert.deepEqual([alive.enter(), alive.enter()], [true, false])
  assert.deepEqual([alive.enterClient('a'), alive.enterClient('b')], [true, false])
})

test('no cap is ever exceeded, whoever comes and goes', () => {
  const steps = fc.array(fc.tuple(fc.nat({ max: 2 }), fc.nat({ max: 4 }), fc.boolean()), { maxLength: 60 })
  fc.assert(
    fc.property(steps, (taken) => {
      const buffer = createConnectionCounts(1, 3, true)
      const engines = [0, 1, 2].map((engine) => new ConnectionCounts(buffer, 0, engine, 0, 2))
      const open = new Map<string, number>()
      for (const [engine, client, comes] of taken) {
        const key = `${engine} ${client}`
        const all = () => [0, 1, 2].reduce((sum, other) => sum + (open.get(`${other} ${client}`) ?? 0), 0)
        if (comes) {
          const before = all()
          const entered = engines[engine]!.enterClient(`client ${client}`)
          assert.equal(entered, before < 2)
          if (entered) open.set(key, (open.get(key) ?? 0) + 1)
        } else if ((open.get(key) ?? 0) > 0) {
          engines[engine]!.leaveClient(`client ${client}`)
          open.set(key, open.get(key)! - 1)
        }
      }
    }),
    { numRuns: 30 },
  )
})
