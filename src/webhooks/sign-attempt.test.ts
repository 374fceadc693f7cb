/** What an attempt is signed with: judged by the libraries that receivers verify with. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Webhook } from 'standardwebhooks'
import type { Endpoint } from '../model/webhook.ts'
import { newEndpoint } from '../store/conformance/subject.ts'
import { OutgoingHead } from '../wire/outgoing.ts'
import { AttemptSigner } from './sign-attempt.ts'

const BODY = Buffer.from('{"type":"order.paid","note":"naïve ☕"}')
const secretOf = (byte: number): string => `whsec_${Buffer.alloc(24, byte).toString('base64')}`

function signed(fields: Partial<Endpoint>, nowMs = Date.now()): Record<string, string> {
  const lines = new OutgoingHead()
  new AttemptSigner(newEndpoint(fields)).sign(lines, 'msg_1', nowMs, BODY)
  return Object.fromEntries(lines.entries())
}

const signatures = (headers: Record<string, string>): string[] => headers['webhook-signature']!.split(' ')

describe('AttemptSigner', () => {
  it('signs with every current secret', () => {
    const secrets = [secretOf(1), secretOf(2)]
    const headers = signed({ secrets })
    for (const secret of secrets) new Webhook(secret).verify(BODY.toString(), headers)
    assert.throws(() => new Webhook(secretOf(3)).verify(BODY.toString(), headers))
  })

  it('signs with a retiring secret until its time is over', () => {
    const retiring = [20_000, 10_000].map((until) => ({ secret: secretOf(until / 1_000), until }))
    const lengths = [0, 9_999, 10_000, 19_999, 20_000].map((now) => signatures(signed({ retiring }, now)).length)
    assert.deepEqual(lengths, [3, 3, 2, 2, 1])
    const signer = new AttemptSigner(newEndpoint({ retiring }))
    const later = [0, 10_000, 20_000].map((now) => {
      const lines = new OutgoingHead()
      signer.sign(lines, 'msg_1', now, BODY)
      return signatures(Object.fromEntries(lines.entries())).length
    })
    assert.deepEqual(later, [3, 2, 1])
  })
})
