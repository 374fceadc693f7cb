/** access-log: every record is one line of JSON that says what it was given, whatever a client sent. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import * as fc from 'fast-check'
import { HeldClock } from '../../test/support/policy.ts'
import { tempFolder } from '../../test/support/temp.ts'
import { token } from '../../test/support/unit/heads.ts'
import { AccessLog, type AccessRecord } from './access-log.ts'

const PLAIN: AccessRecord = {
  reason: 'ok',
  status: 200,
  detail: '',
  clientAddress: '192.0.2.1',
  method: 'GET',
  host: 'shop.example',
  path: '/cart',
  routeName: 'cart',
  consumerName: '',
  certificate: null,
  serviceName: '',
  instance: '',
  requestId: '',
  tries: 0,
  bytesIn: 12,
  bytesOut: 34,
  durationMs: 1.23456,
}

async function logFile(t: TestContext): Promise<string> {
  const folder = await tempFolder()
  t.after(() => folder.remove())
  return join(folder.path, 'deep', 'access.log')
}

function records(path: string): unknown[] {
  const text = readFileSync(path, 'utf8')
  assert.ok(text === '' || text.endsWith('\n'))
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))
}

/** Strings as clients send them: latin1 with all its controls, JSON's own signs, halves of characters. */
const hostile = fc.oneof(
  fc.string({ unit: fc.nat(255).map((c) => String.fromCharCode(c)) }),
  fc.string({
    unit: fc.constantFrom('"', '\\', '\n', '\r', '\u2028', '\ud800', '\udc00', '\0', '{', '}', 'a', 'é', '💥'),
  }),
  fc.string({ unit: 'binary' }),
)

const hostileFields = fc.record({
  method: token,
  host: hostile,
  path: hostile,
  consumerName: hostile,
  requestId: hostile,
  serviceName: fc.constantFrom('', 'cart'),
  status: fc.nat(599),
  durationMs: fc.double({ min: 0, max: 1e9, noNaN: true }),
  bytesOut: fc.nat(),
})

describe('AccessLog', () => {
  it('writes a line that says what happened', async (t) => {
    const path = await logFile(t)
    const clock = new HeldClock()
    const log = new AccessLog(path, clock)
    log.write(PLAIN)
    log.write({ ...PLAIN, consumerName: 'app', serviceName: 'cart', instance: '127.0.0.1:1', tries: 2, requestId: 'r' })
    await log.close()
    const [first, second] = records(path)
    const common = { kind: 'access', time: clock.now(), reason: 'ok', status: 200, client: '192.0.2.1', method: 'GET' }
    const rest = { host: 'shop.example', path: '/cart', route: 'cart', bytesIn: 12, bytesOut: 34, ms: 1.235 }
    assert.deepEqual(first, { ...common, ...rest })
    assert.deepEqual(second, {
      ...common,
      ...rest,
      consumer: 'app',
      service: 'cart',
      instance: '127.0.0.1:1',
      tries: 2,
      request: 'r',
    })
  })

  it('escapes whatever a client sent', async (t) => {
    const path = await logFile(t)
    const log = new AccessLog(path, new HeldClock())
    const written: AccessRecord[] = []
    fc.assert(
      fc.property(hostileFields, (fields) => {
        const record = { ...PLAIN, ...fields }
        log.write(record)
        written.push(record)
      }),
      { numRuns: 2000 },
    )
    await log.close()
    const read = records(path)
    assert.equal(read.length, written.length)
    for (const [i, { method, host, path: asked, consumerName, requestId, status }] of written.entries()) {
      // A half of a character cannot be written as UTF-8; JSON escapes it.
      const want = { method, host, path: asked, status, consumer: consumerName, request: requestId }
      assert.deepEqual({ consumer: '', request: '', ...pick(read[i], Object.keys(want)) }, want)
    }
  })

  it('adds to the file there is, and lets nobody else read a new one', async (t) => {
    const path = await logFile(t)
    for (const status of [200, 404]) {
      const log = new AccessLog(path, new HeldClock())
      log.write({ ...PLAIN, status })
      await log.close()
    }
    assert.deepEqual(
      records(path).map((record) => pick(record, ['status'])),
      [{ status: 200 }, { status: 404 }],
    )
    assert.equal(statSync(path).mode & 0o777, 0o600)
  })

  it('loses nothing of many records, and keeps their order', async (t) => {
    const path = await logFile(t)
    const log = new AccessLog(path, new HeldClock())
    for (let i = 0; i < 20_000; i++) {
      log.write({ ...PLAIN, bytesIn: i })
      if (i % 5_000 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    await log.close()
    const counted = records(path).map((record) => pick(record, ['bytesIn'])['bytesIn'])
    assert.deepEqual(counted, [...counted.keys()])
    assert.equal(counted.length, 20_000)
    assert.equal(log.dropped, 0)
  })

  it('shares a pipe with others, and no line is torn however slowly it is read', async () => {
    const lines = 4_000
    const child = spawn(process.execPath, [fileURLToPath(new URL('./test-two-logs.ts', import.meta.url)), `${lines}`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      text += part
      child.stdout.pause()
      setTimeout(() => child.stdout.resume(), 1)
    })
    await once(child, 'close')
    const hosts = text
      .split('\n')
      .slice(0, -1)
      .map((line) => pick(JSON.parse(line), ['host'])['host'])
    assert.deepEqual(
      ['first', 'second'].map((host) => hosts.filter((one) => one === host).length),
      [lines, lines],
    )
  })

  it('writes nowhere when it is off', async () => {
    const log = new AccessLog('off', new HeldClock())
    log.write(PLAIN)
    await log.close()
  })
})

function pick(record: unknown, keys: readonly string[]): Record<string, unknown> {
  assert.ok(typeof record === 'object' && record !== null)
  return Object.fromEntries(Object.entries(record).filter(([key]) => keys.includes(key)))
}
