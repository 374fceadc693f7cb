/** Consumers of the webhook API and their endpoints, made through Svix's own client; and what a receiver makes of a delivery. */
import { Webhook as StandardWebhook } from 'standardwebhooks'
import { type EndpointIn, Webhook as SvixWebhook } from 'svix'
import type { Admin } from './admin.ts'
import type { Inbox, Receiver, Taken } from './receiver.ts'

export interface Partner {
  /** The consumer's name and uid. */
  readonly name: string
  /** Where its endpoint points. */
  readonly inbox: Inbox
  readonly endpointId: string
  readonly secret: string
}

export class Partners {
  private readonly admin: Admin
  private readonly receiver: Receiver
  private made = 0

  constructor(admin: Admin, receiver: Receiver) {
    this.admin = admin
    this.receiver = receiver
  }

  /** A consumer that no other test knows, with one endpoint at a path of its own. */
  async next(endpoint: Partial<EndpointIn> = {}): Promise<Partner> {
    const { svix } = this.admin
    const name = `partner-${++this.made}`
    const inbox = this.receiver.at(`/${name}`)
    await svix.application.create({ name, uid: name })
    const { id: endpointId } = await svix.endpoint.create(name, { url: inbox.url, ...endpoint })
    const { key: secret } = await svix.endpoint.getSecret(name, endpointId)
    return { name, inbox, endpointId, secret }
  }

  /** Publishes and gives the message's id. */
  async publish(to: string, payload: Record<string, unknown> = { n: 1 }, eventType = 'order.paid'): Promise<string> {
    return (await this.admin.svix.message.create(to, { eventType, payload })).id
  }
}

/** The payload of a delivery, if both libraries that receivers use find it signed with `secret`; throws what they throw. */
export function verified(secret: string, { body, headers }: Taken): unknown {
  const lines = {
    'webhook-id': String(headers['webhook-id']),
    'webhook-timestamp': String(headers['webhook-timestamp']),
    'webhook-signature': String(headers['webhook-signature']),
  }
  new SvixWebhook(secret).verify(body, lines)
  return new StandardWebhook(secret).verify(body, lines)
}
