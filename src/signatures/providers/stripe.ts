/** Stripe: `Stripe-Signature: t=…,v1=…`, one `v1` for each active secret while one is being rolled. */
import type { Scheme } from '../scheme.ts'

export const stripe: Scheme = {
  id: 'stripe',
  title: 'Stripe',
  documentation: 'https://docs.stripe.com/webhooks/signature',
  algorithm: 'hmac-sha256',
  key: 'utf8', // the whole text of the secret, `whsec_` included: it only looks like a Standard Webhooks secret
  signature: { form: 'pairs', header: 'stripe-signature', encoding: 'hex', separator: ',', signatureKey: 'v1' },
  timestamp: { from: 'signature', name: 't', unit: 's', toleranceSec: 300 },
  idHeader: null,
  content: ['timestamp', 'lit:.', 'body'],
  eventId: [{ from: 'body', name: 'id' }],
  eventType: [{ from: 'body', name: 'type' }],
  eventAction: null,
}
