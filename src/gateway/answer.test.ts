/** answer: what becomes of refusals, replies and faults on their way to the client, and what policies may do about them. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { RawClient } from '../selftest/raw-client.ts'
import { valuesOf } from '../selftest/raw-message.ts'
import { GatewayRig, type Written, policyType, routeOf } from '../../test/support/unit/gateway-rig.ts'
import { PROBLEMS } from '../base/problem.ts'
import type { Policy } from '../pipeline/policy.ts'
import { type Reply, json, refuse } from '../pipeline/reply.ts'
import type { Stage } from '../pipeline/stages.ts'

/** One route, `/*`, with these policies in the order of their stages. */
function one(policies: readonly (readonly [Stage, Policy])[], rest: Partial<Written> = {}): Written {
  const types = policies.map(([stage, policy], i) => policyType(`p${i}`, policy, stage))
  return { types, routes: [routeOf('all', {}, { policies: types.map((type) => type.name) })], ...rest }
}

/** Adds a line to the answer that says who decorated it. */
const decorates = (name: string): Policy => ({ response: (_x, res) => res.headers.append('X-By', name) })
const boom = new Error('the key is hunter2')

describe('answer', () => {
  it('sends a reply as it was written, framed and dated', async (t) => {
    const target = {
      kind: 'reply' as const,
      status: 403,
      headers: { 'X-Pot': 'tea', 'Content-Type': 'text/plain' },
      body: 'né',
    }
    const rig = await GatewayRig.start(t, { routes: [routeOf('tea', { path: '/tea' }, { target })] })
    const got = await rig.ask('GET /tea')
    assert.deepEqual(got.lines, [
      ['X-Pot', 'tea'],
      ['Content-Type', 'text/plain'],
      ['Date', 'Fri, 02 Jan 2026 03:04:05 GMT'],
      ['Content-Length', '3'],
    ])
    assert.deepEqual([got.status, got.reason, got.body.toString()], [403, 'Forbidden', 'né'])
    const head = await rig.ask('HEAD /tea')
    assert.deepEqual([valuesOf(head, 'content-length'), head.body.length], [['3'], 0])
    assert.deepEqual(
      rig.finished.map(({ reason, status, route }) => [reason, status, route]),
      [
        ['reply', 403, 'tea'],
        ['reply', 403, 'tea'],
      ],
    )
  })

  it('redirects', async (t) => {
    const target = { kind: 'redirect' as const, status: 308, location: 'https://b.example/' }
    const rig = await GatewayRig.start(t, { routes: [routeOf('old', {}, { target })] })
    const got = await rig.ask('GET /old')
    assert.deepEqual([got.status, valuesOf(got, 'location')], [308, ['https://b.example/']])
  })

  for (const status of [204, 304]) {
    it(`gives ${status} no length and no body`, async (t) => {
      const target = { kind: 'reply' as const, status, headers: {}, body: 'ignored' }
      const rig = await GatewayRig.start(t, { routes: [routeOf('none', {}, { target })] })
      const got = await rig.ask('GET /')
      assert.deepEqual([got.status, valuesOf(got, 'content-length'), got.body.length], [status, [], 0])
    })
  }

  it('answers 404 past the global policies when no route matches', async (t) => {
    const rig = await GatewayRig.start(t, { types: [policyType('g', decorates('g'))], policies: ['g'], routes: [] })
    const got = await rig.ask('GET /nowhere')
    assert.deepEqual([got.status, valuesOf(got, 'x-by')], [404, ['g']])
    assert.equal(JSON.parse(got.body.toString()).code, 'route-not-found')
    assert.deepEqual(rig.finished, [{ reason: 'route-not-found', status: 404, route: '', tries: 0 }])
  })

  it('refuses an ambiguous path before any policy sees it', async (t) => {
    const seen: string[] = []
    const policy: Policy = { request: (x) => void seen.push(x.path), response: () => void seen.push('response') }
    const rig = await GatewayRig.start(t, { ...one([['guard', policy]]), policies: ['p0'] })
    const got = await rig.ask('GET /a%2fb')
    assert.deepEqual([got.status, seen], [400, []])
    assert.equal(JSON.parse(got.body.toString()).code, 'ambiguous-path')
  })

  it('shows a refusal to the policies before the one that refused, last first', async (t) => {
    const refuses: Policy = {
      ...decorates('self'),
      request: () => refuse(PROBLEMS.rateLimited, 'soon', ['Retry-After', '3']),
    }
    const rig = await GatewayRig.start(
      t,
      one([
        ['observe', decorates('first')],
        ['guard', decorates('second')],
        ['limit', refuses],
        ['transform', decorates('never')],
      ]),
    )
    const got = await rig.ask('GET /')
    assert.deepEqual(
      [got.status, valuesOf(got, 'retry-after'), valuesOf(got, 'x-by')],
      [429, ['3'], ['second', 'first']],
    )
    assert.deepEqual(JSON.parse(got.body.toString()), {
      type: 'urn:postern:problem:rate-limited',
      title: 'Too many requests.',
      status: 429,
      code: 'rate-limited',
      detail: 'soon',
    })
    assert.deepEqual(rig.finished, [{ reason: 'rate-limited', status: 429, route: 'all', tries: 0 }])
  })

  for (const [how, wrap] of [
    ['at once', (reply: Reply) => reply],
    ['later', (reply: Reply) => Promise.resolve(reply)],
  ] as const) {
    it(`lets a policy replace the answer ${how}; only those before it see what it made`, async (t) => {
      const replaces: Policy = {
        response: (x) => (x.query === '' ? wrap(json(203, { mine: true }, 'replaced')) : undefined),
      }
      const rig = await GatewayRig.start(
        t,
        one([
          ['observe', decorates('before')],
          ['guard', replaces],
          ['transform', decorates('after')],
        ]),
      )
      const got = await rig.ask('GET /')
      assert.deepEqual([got.status, got.body.toString(), valuesOf(got, 'x-by')], [203, '{"mine":true}', ['before']])
      const other = await rig.ask('GET /?x')
      assert.deepEqual([other.status, valuesOf(other, 'x-by')], [200, ['after', 'before']])
      assert.deepEqual(
        rig.finished.map((x) => x.reason),
        ['replaced', 'reply'],
      )
    })
  }

  it('lets a policy change status, headers and body of an answer of our own', async (t) => {
    const changes: Policy = {
      response: (_x, res) => {
        assert.deepEqual([res.status, res.fromUpstream, Buffer.from(res.body!).toString()], [200, false, 'ok'])
        res.status = 202
        res.headers.set('Content-Type', 'text/plain')
        res.body = Buffer.from('changed')
      },
    }
    const rig = await GatewayRig.start(t, one([['transform', changes]]))
    const got = await rig.ask('GET /')
    assert.deepEqual([got.status, got.body.toString(), valuesOf(got, 'content-length')], [202, 'changed', ['7']])
  })

  for (const [where, policy] of [
    [
      'a policy that throws on the request',
      {
        request: () => {
          throw boom
        },
      },
    ],
    ['a policy that rejects on the request', { request: () => Promise.reject(boom) }],
    [
      'a policy that throws on the answer',
      {
        response: () => {
          throw boom
        },
      },
    ],
    ['a policy that rejects on the answer', { response: () => Promise.reject(boom) }],
    [
      'a reply that cannot be written as lines',
      { request: () => ({ status: 200, headers: ['X', 'a\r\nEvil: b'], body: '', code: 'x' }) },
    ],
    ['a line that cannot be written', { response: (_x, res) => res.headers.set('X', 'a\nb') }],
  ] satisfies [string, Policy][]) {
    it(`answers 500 for ${where}, says why in the log and nowhere else`, async (t) => {
      const rig = await GatewayRig.start(
        t,
        one([
          ['observe', decorates('not asked again')],
          ['limit', policy],
        ]),
      )
      const got = await rig.ask('GET /')
      assert.deepEqual([got.status, valuesOf(got, 'x-by'), valuesOf(got, 'evil')], [500, [], []])
      assert.equal(JSON.parse(got.body.toString()).code, 'policy-failed')
      assert.ok(!got.body.includes('hunter2'))
      assert.equal(rig.logged.length, 1)
      assert.deepEqual(
        [rig.logged[0]!.level, Object.keys(rig.logged[0]!.fields)],
        ['error', ['err', 'route', 'request']],
      )
      assert.deepEqual(rig.finished, [{ reason: 'policy-failed', status: 500, route: 'all', tries: 0 }])
    })
  }

  it('sends nothing to a client that has gone while policies thought, and finishes once', async (t) => {
    const seen: string[] = []
    const decisions: (() => void)[] = []
    const slow: Policy = {
      request: () =>
        new Promise((resolve) => {
          decisions.push(() => resolve(undefined))
          rig.changed()
        }),
      response: () => void seen.push('response'),
      finish: (x) => seen.push(`finish ${x.reason}`),
    }
    const rig: GatewayRig = await GatewayRig.start(t, one([['authenticate', slow]]))
    const client = await RawClient.connect(rig.port)
    await client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await rig.until(() => decisions.length === 1, 'the policy to be asked')
    client.reset()
    await rig.untilFinished(1)
    decisions[0]!()
    await turn()
    assert.deepEqual(seen, ['finish client-abort'])
    assert.deepEqual(rig.finished, [{ reason: 'client-abort', status: 499, route: 'all', tries: 0 }])
  })

  it('keeps an exchange on the route it began with while another configuration comes into force', async (t) => {
    const decisions: (() => void)[] = []
    const slow: Policy = {
      request: () =>
        new Promise((resolve) => {
          decisions.push(() => resolve(undefined))
          rig.changed()
        }),
      ...decorates('old'),
    }
    const rig: GatewayRig = await GatewayRig.start(t, one([['authenticate', slow]]))
    const asked = rig.ask('GET /')
    await rig.until(() => decisions.length === 1, 'the policy to be asked')
    rig.swap(one([['authenticate', decorates('new')]]))
    assert.deepEqual(valuesOf(await rig.ask('GET /'), 'x-by'), ['new'])
    decisions[0]!()
    assert.deepEqual(valuesOf(await asked, 'x-by'), ['old'])
  })
})
