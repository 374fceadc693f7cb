/** run: who is asked, in which order, and what is awaited; compared with a plain list of what should have happened. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { answer, exchange, policyDeps } from '../../test/support/policy.ts'
import { OutgoingHead } from '../wire/outgoing.ts'
import { compilePipeline } from './compile.ts'
import type { Policy, Verdict } from './policy.ts'
import { type Reply, json } from './reply.ts'
import { runRequest, runResponse, runUpstreamRequest } from './run.ts'

/** What a policy does at a moment: nothing, let go on, or end it; at once or later. */
type Act = 'absent' | 'go' | 'go later' | 'end' | 'end later'

const act = fc.constantFrom<Act>('absent', 'absent', 'go', 'go', 'go later', 'end', 'end later')
const quick = fc.constantFrom<Act>('absent', 'go')

function verdict(does: Act, reply: Reply): Verdict {
  if (does === 'end') return reply
  if (does === 'end later') return Promise.resolve(reply)
  return does === 'go later' ? Promise.resolve() : undefined
}

/** A pipeline whose policies note that they were asked; policy i ends with a reply of status 200 + i. */
function pipelineOf(acts: readonly { readonly request: Act; readonly response: Act }[], asked: string[]) {
  const policies = acts.map(({ request, response }, i): Policy => {
    const reply = (at: string) => json(200 + i, null, `${at} ${i}`)
    return {
      ...(request === 'absent'
        ? {}
        : {
            request() {
              asked.push(`request ${i}`)
              return verdict(request, reply('request'))
            },
          }),
      ...(response === 'absent'
        ? {}
        : {
            response() {
              asked.push(`response ${i}`)
              return verdict(response, reply('response'))
            },
          }),
    }
  })
  const written = policies.map((policy, i) => {
    return {
      type: { name: String(i), stage: 'guard' as const, create: () => policy },
      config: null,
      scope: 'route' as const,
    }
  })
  return compilePipeline(written, 'r', () => policyDeps())
}

const ends = (does: Act) => does.startsWith('end')

describe('runRequest and runResponse', () => {
  it('ask who should be asked, in order, and end with the first reply', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ request: act, response: act }), { maxLength: 8 }), async (acts) => {
        const asked: string[] = []
        const pipeline = pipelineOf(acts, asked)
        const x = exchange('GET', '/')
        const reply = await runRequest(x, pipeline)

        const ender = acts.findIndex((one) => ends(one.request))
        const last = ender === -1 ? acts.length : ender
        const requests = acts.flatMap((one, i) => (one.request !== 'absent' && i <= last ? [`request ${i}`] : []))
        assert.deepEqual(asked.splice(0), requests)
        assert.equal(reply?.code, ender === -1 ? undefined : `request ${ender}`)

        const replaced = await runResponse(x, answer(200), pipeline)
        const replacer = acts.findLastIndex((one, i) => i < last && ends(one.response))
        const responses = acts.flatMap((one, i) => {
          return one.response !== 'absent' && i < last && i >= replacer ? [`response ${i}`] : []
        })
        assert.deepEqual(asked.splice(0), responses.toReversed())
        assert.equal(replaced?.code, replacer === -1 ? undefined : `response ${replacer}`)

        // The replacement goes to those before the one that made it, and to nobody else.
        if (replacer === -1) return
        await runResponse(x, answer(200), pipeline)
        assert.ok(asked.every((one) => Number(one.split(' ')[1]) < replacer))
      }),
      { numRuns: 500 },
    )
  })

  it('wait for nothing when no policy makes them', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ request: quick, response: quick }), { maxLength: 8 }), (acts) => {
        const pipeline = pipelineOf(acts, [])
        const x = exchange('GET', '/')
        assert.equal(runRequest(x, pipeline), undefined)
        assert.equal(x.entered, acts.length)
        assert.equal(runResponse(x, answer(200), pipeline), undefined)
      }),
    )
  })

  it('give a reply at once when the policy does', () => {
    const pipeline = pipelineOf(
      [
        { request: 'go', response: 'go' },
        { request: 'end', response: 'absent' },
      ],
      [],
    )
    const x = exchange('GET', '/')
    const reply = runRequest(x, pipeline)
    assert.ok(reply !== undefined && !(reply instanceof Promise))
    assert.equal(reply.status, 201)
  })

  it('are a promise exactly from the policy on that makes one', async () => {
    const asked: string[] = []
    const pipeline = pipelineOf(
      [
        { request: 'go', response: 'absent' },
        { request: 'go later', response: 'absent' },
        { request: 'go', response: 'absent' },
      ],
      asked,
    )
    const running = runRequest(exchange('GET', '/'), pipeline)
    assert.ok(running instanceof Promise)
    assert.deepEqual(asked, ['request 0', 'request 1'])
    await running
    assert.deepEqual(asked, ['request 0', 'request 1', 'request 2'])
  })

  it('ask nobody about an answer that was given before any policy acted', () => {
    const asked: string[] = []
    const pipeline = pipelineOf([{ request: 'go', response: 'end' }], asked)
    assert.equal(runResponse(exchange('GET', '/'), answer(400), pipeline), undefined)
    assert.deepEqual(asked, [])
  })

  it('pass on what a policy throws', async () => {
    const boom = new Error('boom')
    const alone = (policy: Policy) => {
      const type = { name: 'p', stage: 'guard' as const, create: () => policy }
      return compilePipeline([{ type, config: null, scope: 'route' }], 'r', () => policyDeps())
    }
    const throws = alone({
      request() {
        throw boom
      },
    })
    const rejects = alone({ request: () => Promise.reject(boom) })
    assert.throws(() => runRequest(exchange('GET', '/'), throws), boom)
    await assert.rejects(async () => runRequest(exchange('GET', '/'), rejects), boom)
  })
})

describe('runUpstreamRequest', () => {
  it('shows the outgoing head to each policy until one ends it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 8 }), async (acts) => {
        const policies = acts.map((does, i): Policy => {
          return {
            upstreamRequest(_x, out) {
              out.append('X-Seen', String(i))
              return verdict(does, json(200 + i, null, String(i)))
            },
          }
        })
        const out = new OutgoingHead()
        const reply = await runUpstreamRequest(exchange('GET', '/'), out, policies)
        const ender = acts.findIndex(ends)
        const seen = acts.slice(0, ender === -1 ? acts.length : ender + 1)
        assert.equal(out.lines(), seen.map((_, i) => `X-Seen: ${i}\r\n`).join(''))
        assert.equal(reply?.code, ender === -1 ? undefined : String(ender))
      }),
    )
  })

  it('waits for nothing when no policy makes it', () => {
    const policies: Policy[] = [{ upstreamRequest() {} }, { upstreamRequest() {} }]
    assert.equal(runUpstreamRequest(exchange('GET', '/'), new OutgoingHead(), policies), undefined)
  })
})
