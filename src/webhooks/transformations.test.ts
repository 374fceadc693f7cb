/** transformations: consumers' code in its thread. What it makes, what it cannot reach, and that no code harms the next. */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { Transformations } from './transformations.ts'

const transformations = new Transformations()
after(() => transformations.close())

const INPUT = JSON.stringify({ method: 'POST', url: 'https://a.example/', eventType: 'order.paid', payload: { n: 1 } })

async function run(code: string, input = INPUT, variables = {}) {
  const { reason, output } = await transformations.run({ code, enabled: true, variables, updatedAt: 0 }, input)
  return reason ?? JSON.parse(output)
}

describe('transformations', () => {
  it('makes another webhook of one, with modern JavaScript and the variables it was given', async () => {
    const code = `function handler(webhook) {
      const { n, ...rest } = webhook.payload
      webhook.payload = { ...rest, total: (n ?? 0) + 41, region: variables.region }
      webhook.method = 'PUT'
      return webhook
    }`
    const made = await run(code, INPUT, { region: 'eu' })
    assert.deepEqual(made, {
      method: 'PUT',
      url: 'https://a.example/',
      eventType: 'order.paid',
      payload: { total: 42, region: 'eu' },
    })
  })

  for (const [what, code, reason] of [
    ['throws', 'function handler() { throw new Error("no stock") }', /no stock/],
    ['throws text', 'function handler() { throw "no stock" }', /no stock/],
    ['cannot be read', 'function handler( {', /SyntaxError/],
    ['has no handler', 'const x = 1', /no function named handler/],
    ['returns nothing', 'function handler() {}', /returned no webhook/],
    ['returns a promise that it cannot keep', 'async function handler(w) { return w }', /\{\}/],
    ['loops', 'function handler() { for (;;) {} }', /more than 500 ms/],
    ['loops outside its handler', 'for (;;) {}', /more than 500 ms/],
    ['loops in a regular expression', `function handler() { /^(a+)+$/.test('a'.repeat(64) + 'b') }`, /.+/],
    ['allocates', `function handler() { const all = []; for (;;) all.push(new Uint8Array(1 << 20)) }`, /memory/],
    ['recurses', 'function handler(w) { return handler(w) }', /stack/i],
    ['makes too much', `function handler(w) { w.payload = 'x'.repeat(2 << 20); return w }`, /too large/],
    ['reaches for the machine', `function handler() { return process.env }`, /process/],
    ['reaches for the network', `function handler() { return fetch('http://127.0.0.1') }`, /fetch/],
    ['imports', `import fs from 'node:fs'\nfunction handler(w) { return w }`, /.+/],
  ] as const) {
    it(`that ${what} fails with a reason, and the next one runs`, async () => {
      const failed = await run(code)
      assert.match(typeof failed === 'string' ? failed : JSON.stringify(failed), reason)
      assert.deepEqual((await run('function handler(w) { return w }')).payload, { n: 1 })
    })
  }

  it('leaves nothing of one run to the next', async () => {
    await run('globalThis.leak = 1; Object.prototype.leak = 1; function handler(w) { return w }')
    const code = 'function handler(w) { w.payload = [typeof leak, ({}).leak === undefined]; return w }'
    assert.deepEqual((await run(code)).payload, ['undefined', true])
  })

  it('answers everybody who waits, in turn', async () => {
    const code = 'function handler(w) { w.payload = w.payload * 2; return w }'
    const made = await Promise.all(Array.from({ length: 20 }, (_, n) => run(code, JSON.stringify({ payload: n }))))
    assert.deepEqual(
      made.map((one) => one.payload),
      Array.from({ length: 20 }, (_, n) => n * 2),
    )
  })

  it('ends with what waits said to have failed', async () => {
    const own = new Transformations()
    const waiting = own.run({ code: 'for (;;) {}', enabled: true, variables: {}, updatedAt: 0 }, INPUT)
    await own.close()
    assert.equal((await waiting).reason, 'the engine stops')
  })
})
