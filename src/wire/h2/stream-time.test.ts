/** Who is waited for on a stream, and for how long: what others on the connection do must not be held against it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Problem } from '../../base/problem.ts'
import { StreamTime } from './stream-time.ts'

const TIMEOUTS = {
  headMs: 1_000,
  bodyIdleMs: 10_000,
  keepAliveMs: 1_000,
  rateMin: { bytesPerSecond: 100, windowMs: 5_000 },
}

/** A stream whose clock and connection are in hand. */
function rig() {
  const said: string[] = []
  const session = {
    now: 1_000,
    heardBytes: 0,
    takenBytes: 0,
    isFull: false,
    frameId: 0,
    watch: () => {},
    unwatch: () => void said.push('unwatched'),
  }
  const stream = {
    id: 1,
    session,
    sendWindow: 0,
    continue: () => void said.push('continue'),
    bodyLate: (problem: Problem) => void said.push(problem.code),
    answerLate: () => void said.push('answer-late'),
  }
  const time = new StreamTime(stream)
  time.begin(TIMEOUTS)
  /** Lets so much time pass, a tenth of a second at a time. */
  const pass = (ms: number, each: () => void = () => {}) => {
    for (const end = session.now + ms; session.now < end && said.length === 0;) {
      session.now += 100
      each()
      if (time.deadline === 0 || session.now < time.deadline) continue
      time.deadline = 0
      time.expired()
    }
    return said.splice(0)
  }
  return { session, stream, time, pass }
}

test('silence within a body has an end, and so has dripping', () => {
  const silent = rig()
  silent.time.awaitInput()
  assert.deepEqual(silent.pass(60_000), ['body-timeout'])
  const slow = rig()
  slow.time.awaitInput()
  assert.deepEqual(
    slow.pass(60_000, () => slow.time.heard(5)),
    ['body-too-slow'],
  )
  const steady = rig()
  steady.time.awaitInput()
  assert.deepEqual(
    steady.pass(60_000, () => steady.time.heard(20)),
    [],
  )
})

test('what has come of its frame counts; what has come of others does not', () => {
  const within = rig()
  within.session.frameId = 1
  within.time.awaitInput()
  assert.deepEqual(
    within.pass(60_000, () => void (within.session.heardBytes += 20)),
    [],
  )
  const other = rig()
  other.session.frameId = 3
  other.time.awaitInput()
  assert.deepEqual(
    other.pass(60_000, () => void (other.session.heardBytes += 20)),
    ['body-timeout'],
  )
})

test('a client whose window others have filled is not waited for until it is open again', () => {
  const { session, time, pass } = rig()
  session.isFull = true
  time.awaitInput()
  assert.deepEqual(pass(60_000), [])
  session.isFull = false
  assert.deepEqual(pass(4_000), [])
  assert.deepEqual(pass(60_000), ['body-timeout'])
})

test('an answer that is not taken: what is sent of it counts, and what is taken of others while it waits its turn', () => {
  const silent = rig()
  silent.time.awaitRoom()
  assert.deepEqual(silent.pass(60_000), ['answer-late'])
  const steady = rig()
  steady.time.awaitRoom()
  assert.deepEqual(
    steady.pass(60_000, () => steady.time.sent(20)),
    [],
  )
  const shut = rig()
  shut.time.awaitRoom()
  assert.deepEqual(
    shut.pass(60_000, () => void (shut.session.takenBytes += 20)),
    ['answer-late'],
  )
  const waiting = rig()
  waiting.stream.sendWindow = 1_000
  waiting.time.awaitRoom()
  assert.deepEqual(
    waiting.pass(60_000, () => void (waiting.session.takenBytes += 20)),
    [],
  )
})

test('100 is said when nobody else has, and the body is waited for from then on', () => {
  const { time, pass } = rig()
  time.awaitContinue()
  assert.deepEqual(pass(60_000), ['continue'])
  assert.deepEqual(pass(60_000), ['body-timeout'])
})

test('both directions have their own time; none runs when nobody is waited for', () => {
  const { time, pass } = rig()
  time.awaitInput()
  time.awaitRoom()
  time.awaitNoRoom()
  time.awaitNoInput()
  assert.equal(time.deadline, 0)
  assert.deepEqual(pass(60_000), [])
  time.awaitRoom()
  time.awaitInput()
  time.awaitNoRoom()
  assert.deepEqual(pass(60_000), ['body-timeout'])
  time.stop()
  assert.deepEqual(pass(100), ['unwatched'])
})
