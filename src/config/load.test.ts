/** From text to state: the forms a text may have, and that no text at all makes it throw. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { TEST_POLICIES } from '../../test/golden/config/policies.ts'
import type { Fault } from './fault.ts'
import { type LoadOptions, configJsonSchema, parseConfig } from './load.ts'
import { presentFaults } from './present.ts'

const OPTIONS: LoadOptions = {
  env: { KEY: 'key-0123456789abcdef' },
  baseDir: '/etc/postern',
  policies: TEST_POLICIES,
  providers: ['stripe'],
  cpus: 16,
  readFile: () => '{}',
}

const SHOP = `
services: { shop: http://127.0.0.1:9001 }
consumers: { app: { credentials: [{ api-key: "\${KEY}" }] } }
policies: [key-auth, { rate-limit: { limit: 5, per: 1m, by: consumer } }]
routes:
  shop: { match: /*, proxy: shop }
  event: { match: /event, policies: [{ emit: { event: cart.added } }], ingest: stripe }
sources: { stripe: { provider: stripe, secrets: [a], deliver: [{ service: shop }] } }
event-types: { cart.added: { schema: cart.json } }
`

function load(text: string) {
  const result = parseConfig(text, OPTIONS)
  assert.ok(result.ok, JSON.stringify(result))
  return result.state
}

test('paths start at the folder of the file, and auto counts at most eight threads', () => {
  const state = load(`${SHOP}access-log: access.log\n`)
  assert.equal(state.store, 'sqlite:/etc/postern/.postern/postern.db')
  assert.equal(state.accessLog, '/etc/postern/access.log')
  assert.equal(state.threads, 8)
  assert.equal(load(`${SHOP}store: sqlite:/var/lib/a.db\n`).store, 'sqlite:/var/lib/a.db')
  assert.deepEqual(state.consumers['app']?.apiKeys, ['key-0123456789abcdef'])
})

test('JSON, tabs, a byte order mark and Windows line ends are read', () => {
  const expected = load('services: { a: "http://127.0.0.1:1" }')
  const json = JSON.stringify({ services: { a: 'http://127.0.0.1:1' } }, null, '\t')
  for (const text of [json, `\uFEFF${json}`, json.replaceAll('\n', '\r\n')]) assert.deepEqual(load(text), expected)
})

test('an anchor may be used again, and its faults are shown where it is written', () => {
  const routes = 'routes:\n  a: &a { match: /a, reply: { body: hi } }\n  b: { match: /b, reply: &r { status: 99 } }\n'
  const result = parseConfig(`${routes}  c: { match: /c, reply: *r }\n`, OPTIONS)
  assert.ok(!result.ok)
  assert.deepEqual(
    result.faults.map(({ line, column, path }) => [line, column, path]),
    [[3, 39, 'routes.b.reply.status']],
  )
})

test('names of things every object has are names like others', () => {
  const state = load(
    'services: { constructor: "http://127.0.0.1:1" }\nroutes: { toString: { match: /, proxy: constructor } }',
  )
  assert.equal(state.services['constructor']?.instances[0]?.url, 'http://127.0.0.1:1')
  const result = parseConfig('routes: { a: { match: /, proxy: toString } }', OPTIONS)
  assert.ok(!result.ok && result.faults[0]?.message.startsWith('unknown service'))
})

test('a plain caller gets the machine defaults', () => {
  const { cpus: _, readFile: __, ...rest } = OPTIONS
  const result = parseConfig('threads: auto', rest)
  assert.ok(result.ok && result.state.threads >= 1)
})

test('hostile sizes are bounded', () => {
  const texts = [
    '['.repeat(20_000),
    '{'.repeat(20_000),
    '- '.repeat(20_000),
    '? '.repeat(20_000),
    'a: '.repeat(20_000),
    `{${'a,'.repeat(50_000)}}`,
    '&a '.repeat(20_000),
    `x: &x 1\ny: [${'*x,'.repeat(20_000)}]`,
    `routes: {${Array.from({ length: 20_000 }, (_, i) => `r${i}: { porxy: a }`).join(',')}}`,
    '#'.repeat(3_000_000),
  ]
  for (const text of texts) {
    const result = parseConfig(text, OPTIONS)
    assert.ok(!result.ok, text.slice(0, 20))
    checkFaults(result.faults, text)
    assert.ok(result.faults.length <= 100)
  }
})

/** What configurations and YAML are made of, apart by spaces; then what has spaces itself. */
const WORDS = [
  ...'services routes policies match proxy reply body rate-limit shop /a 5s 10MiB ${KEY}'.split(' '),
  ...'{ } [ ] : , & * ! | > ? - # % @ ` " \' \\ $ << --- ... *a ~ .inf 0x1 \u0000 \uD800'.split(' '),
  '&a ',
  '!!binary ',
  ': ',
  '- ',
  '\n  ',
  '\n',
  '\t',
  ' ',
]

test('any text gives a state or faults with a place, and never throws', () => {
  const words = fc.constantFrom(...WORDS)
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 5 },
      fc.json().map(JSON.parse),
      words,
      fc.double(),
      tie('map'),
      fc.array(tie('any'), { maxLength: 3 }),
    ),
    map: fc.dictionary(words, tie('any'), { maxKeys: 4 }),
  })).map
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.array(words, { maxLength: 40 }).map((parts) => parts.join('')),
    value.map((one) => JSON.stringify(one)),
    fc
      .tuple(fc.nat(SHOP.length), fc.nat(12), fc.array(words, { maxLength: 3 }))
      .map(([at, length, parts]) => SHOP.slice(0, at) + parts.join('') + SHOP.slice(at + length)),
  )
  fc.assert(
    fc.property(text, (text) => {
      const result = parseConfig(text, OPTIONS)
      if (result.ok) assert.deepEqual(structuredClone(result.state), result.state)
      else {
        assert.ok(result.faults.length > 0)
        checkFaults(result.faults, text)
      }
    }),
    { numRuns: 500 },
  )
})

test('the schema for editors knows the policies', () => {
  const text = JSON.stringify(configJsonSchema(TEST_POLICIES))
  for (const word of ['rate-limit', 'x-api-key', 'event-types', 'first-byte', '"oneOf"'])
    assert.ok(text.includes(word), word)
})

function checkFaults(faults: readonly Fault[], text: string): void {
  const lines = text.split('\n').length
  for (const { line, column, message } of faults) {
    assert.ok(line >= 1 && line <= lines && column >= 1, `${line}:${column}`)
    assert.ok(message.length > 0 && message.length < 500)
  }
  assert.ok(presentFaults(faults, { file: 'f', text, level: 'error', color: true }).length > 0)
}
