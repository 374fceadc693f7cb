/** GitHub: `X-Hub-Signature-256: sha256=…` over the body alone; a redelivery has the same delivery id. */
import type { Scheme } from '../scheme.ts'

export const github: Scheme = {
  id: 'github',
  title: 'GitHub',
  documentation: 'https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries',
  algorithm: 'hmac-sha256',
  key: 'utf8',
  signature: { form: 'list', header: 'x-hub-signature-256', encoding: 'hex', prefix: 'sha256=', separator: null },
  timestamp: null,
  idHeader: null,
  content: ['body'],
  eventId: [{ from: 'header', name: 'x-github-delivery' }],
  eventType: [{ from: 'header', name: 'x-github-event' }],
  eventAction: { from: 'body', name: 'action' },
}
