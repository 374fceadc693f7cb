/** Standard Webhooks 1.0.0, symmetric (`v1`): what we send, and what anybody who follows the specification sends us. */
import type { Scheme } from '../scheme.ts'

export const standardWebhooks: Scheme = {
  id: 'standard-webhooks',
  title: 'Standard Webhooks',
  documentation: 'https://www.standardwebhooks.com',
  algorithm: 'hmac-sha256',
  key: 'whsec',
  signature: { form: 'list', header: 'webhook-signature', encoding: 'base64', prefix: 'v1,', separator: ' ' },
  timestamp: { from: 'header', name: 'webhook-timestamp', unit: 's', toleranceSec: 300 },
  idHeader: 'webhook-id',
  content: ['id', 'lit:.', 'timestamp', 'lit:.', 'body'],
  eventId: [{ from: 'header', name: 'webhook-id' }],
  eventType: [{ from: 'body', name: 'type' }],
  eventAction: null,
}
