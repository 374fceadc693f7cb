/** GitHub's own library and every example payload it publishes. */
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { describe, it } from 'node:test'
import { sign as theirSign, verify as theirVerify } from '@octokit/webhooks-methods'
import { prepareKeys } from '../keys.ts'
import { plainRequest } from '../request.ts'
import { signHeaders } from '../sign.ts'
import { verify } from '../verify.ts'
import { github } from './github.ts'

interface Definition {
  readonly name: string
  readonly examples: readonly { readonly action?: unknown }[]
}
const definitions: readonly Definition[] = createRequire(import.meta.url)('@octokit/webhooks-examples')

const SECRET = "It's a Secret to Everybody"
const keys = prepareKeys(github, [SECRET])
const ours = (body: string) =>
  signHeaders(github, { id: 'unused', timestampMs: 0, body: Buffer.from(body) }, keys)['x-hub-signature-256']!

const check = (signature: string, body: string, event = 'push') => {
  const headers = { 'x-hub-signature-256': signature, 'x-github-event': event, 'x-github-delivery': 'd-1' }
  return verify(github, plainRequest(headers, body), keys, 0)
}

describe('github', () => {
  it('computes the signatures of the documentation', () => {
    assert.equal(ours('Hello, World!'), 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17')
    assert.equal(ours('Hello World!'), 'sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9')
  })

  it('accepts every published example as the library signs it, names it, and signs it alike', async () => {
    let examples = 0
    for (const { name, examples: payloads } of definitions) {
      for (const payload of payloads) {
        const body = JSON.stringify(payload)
        const signature = await theirSign(SECRET, body)
        const eventType = typeof payload.action === 'string' ? `${name}.${payload.action}` : name
        assert.deepEqual(check(signature, body, name), { ok: true, keyIndex: 0, eventId: 'd-1', eventType })
        assert.equal(await theirVerify(SECRET, body, ours(body)), true)
        assert.deepEqual(check(signature, JSON.stringify(payload, null, 2)), { ok: false, reason: 'mismatch' })
        examples++
      }
    }
    assert.ok(examples > 300)
  })

  it('names an issue that was opened', () => {
    const body = '{"action":"opened","issue":{}}'
    assert.deepEqual(check(ours(body), body, 'issues'), {
      ok: true,
      keyIndex: 0,
      eventId: 'd-1',
      eventType: 'issues.opened',
    })
  })
})
