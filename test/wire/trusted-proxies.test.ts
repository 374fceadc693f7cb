/** Proxies in front that are trusted say who the client is: policies, records and services see that client, and each field once. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exchangeOnce } from '../../src/selftest/raw-client.ts'
import { type RawResponse, valuesOf } from '../../src/selftest/raw-message.ts'
import { crlf } from '../../src/selftest/notation.ts'
import { isProblem } from './refused.ts'
import { Rig, clientLines } from './rig.ts'

// The client of these tests is the proxy: it comes from loopback.
const rig = await Rig.start({
  top: 'trusted-proxies: [127.0.0.0/8, 10.0.0.0/8]',
  routes: `
  listed: { match: { path: /listed }, policies: [{ ip-restriction: { allow: [203.0.113.0/24] } }], proxy: up }
  few: { match: { path: /few }, policies: [{ rate-limit: { limit: 1, per: 1h, by: ip } }], proxy: up }
`,
})
const OK = { reason: 'ok', status: 200 }

const ask = (path: string, ...lines: readonly string[]): Promise<RawResponse> =>
  exchangeOnce(rig.postern.port(), crlf(`GET ${path} HTTP/1.1⏎Host: a⏎${lines.map((line) => `${line}⏎`).join('')}⏎`))

/** What a service is told of the client in `X-Forwarded-…` and `Forwarded`; what is not said here is as in USUAL. */
interface Told {
  readonly for: string
  readonly proto?: string
  readonly host?: string
  readonly port?: string
  readonly prefix?: string
  readonly forwarded: string
}

const USUAL = { proto: 'http', host: 'a' }
const FAMILY = ['for', 'proto', 'host', 'port', 'prefix'] as const

interface Row {
  readonly name: string
  readonly lines: readonly string[]
  readonly told: Told
}

const rows: readonly Row[] = [
  {
    name: 'a proxy that says nothing is the client',
    lines: [],
    told: { for: '127.0.0.1', forwarded: 'for=127.0.0.1;host="a";proto=http' },
  },
  {
    name: 'one proxy',
    lines: ['X-Forwarded-For: 203.0.113.7', 'X-Forwarded-Proto: https', 'X-Forwarded-Host: shop.example'],
    told: {
      for: '203.0.113.7, 127.0.0.1',
      proto: 'https',
      host: 'shop.example',
      forwarded: 'for=203.0.113.7;host="shop.example";proto=https, for=127.0.0.1',
    },
  },
  {
    name: 'what the client had said before the proxy is gone',
    lines: ['X-Forwarded-For: 198.51.100.1, 10.0.0.9, 203.0.113.7, 10.0.0.2'],
    told: {
      for: '203.0.113.7, 10.0.0.2, 127.0.0.1',
      forwarded: 'for=203.0.113.7;host="a";proto=http, for=10.0.0.2, for=127.0.0.1',
    },
  },
  {
    name: 'two lines are one list',
    lines: ['X-Forwarded-For: 198.51.100.1', 'x-forwarded-for: 2001:db8::7'],
    told: { for: '2001:db8::7, 127.0.0.1', forwarded: 'for="[2001:db8::7]";host="a";proto=http, for=127.0.0.1' },
  },
  {
    name: 'Forwarded',
    lines: ['Forwarded: for=198.51.100.1, for="203.0.113.7:80";proto=https;host="shop.example"'],
    told: {
      for: '203.0.113.7, 127.0.0.1',
      proto: 'https',
      host: 'shop.example',
      forwarded: 'for=203.0.113.7;host="shop.example";proto=https, for=127.0.0.1',
    },
  },
  {
    name: 'a port and a prefix',
    lines: ['X-Forwarded-For: 203.0.113.7', 'X-Forwarded-Port: 8443', 'X-Forwarded-Prefix: /shop'],
    told: {
      for: '203.0.113.7, 127.0.0.1',
      port: '8443',
      prefix: '/shop',
      forwarded: 'for=203.0.113.7;host="a";proto=http, for=127.0.0.1',
    },
  },
  {
    name: '200 addresses, all of them trusted',
    lines: [`X-Forwarded-For: ${Array.from({ length: 200 }, (_, i) => `10.0.0.${i}`).join(', ')}`],
    told: {
      for: [...Array.from({ length: 31 }, (_, i) => `10.0.0.${169 + i}`), '127.0.0.1'].join(', '),
      forwarded: [
        'for=10.0.0.169;host="a";proto=http',
        ...Array.from({ length: 30 }, (_, i) => `for=10.0.0.${170 + i}`),
        'for=127.0.0.1',
      ].join(', '),
    },
  },
  {
    name: 'underscored aliases are nobody’s',
    lines: ['X-Forwarded-For: 203.0.113.7', 'X_Forwarded_For: 198.51.100.1', 'X_Forwarded_Proto: https'],
    told: { for: '203.0.113.7, 127.0.0.1', forwarded: 'for=203.0.113.7;host="a";proto=http, for=127.0.0.1' },
  },
]

for (const { name, lines, told } of rows) {
  test(name, async () => {
    const answer = await ask('/a', ...lines, 'X-Real-IP: 198.51.100.1', 'X-Forwarded-Server: evil', 'X: y')
    assert.equal(answer.status, 200)
    const { requests } = await rig.settle(name, [OK])
    assert.equal(requests.length, 1)
    const [request] = requests
    const all: Told = { ...USUAL, ...told }
    for (const field of FAMILY) {
      const value = all[field]
      assert.deepEqual(valuesOf(request!, `x-forwarded-${field}`), value === undefined ? [] : [value], field)
    }
    assert.deepEqual(valuesOf(request!, 'forwarded'), [told.forwarded])
    assert.deepEqual(
      clientLines(request!).filter((line) => !/^x-forwarded-p/i.test(line)),
      ['Host: a', 'X: y'],
    )
    const client = told.for.split(', ')[0]
    await rig.postern.waitForRecord((record) => record['path'] === '/a' && record['client'] === client)
  })
}

test('a list of addresses judges the client, not the proxy', async () => {
  assert.equal((await ask('/listed', 'X-Forwarded-For: 203.0.113.7')).status, 200)
  for (const lines of [
    [],
    ['X-Forwarded-For: 198.51.100.1'],
    ['X-Forwarded-For: 203.0.113.7, 198.51.100.1'],
    ['X-Forwarded-For: unknown'],
  ])
    isProblem(await ask('/listed', ...lines), { status: 403, code: 'address-not-allowed' })
  const refused = { reason: 'address-not-allowed', status: 403 }
  const { requests } = await rig.settle('a list', [OK, refused, refused, refused, refused])
  assert.equal(requests.length, 1)
})

test('a limit counts the client, whatever it writes before its own address', async () => {
  assert.equal((await ask('/few', 'X-Forwarded-For: 203.0.113.1')).status, 200)
  assert.equal((await ask('/few', 'X-Forwarded-For: 203.0.113.2')).status, 200)
  assert.equal((await ask('/few', 'X-Forwarded-For: 8.8.8.8, 203.0.113.1')).status, 429)
  await rig.settle('a limit', [OK, OK, { reason: 'rate-limited', status: 429 }])
})

rig.checkRecords()
