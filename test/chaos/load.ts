/** Clients that ask for all they can in the three ways that something is accepted: published, received from a provider, deferred. */
import { createHmac } from 'node:crypto'
import type { Ledger } from './ledger.ts'

export const SOURCE_SECRET = "It's a Secret to Everybody"

/** How many of each kind ask at the same time. */
const CLIENTS = 4

export interface LoadTarget {
  /** Origins. */
  readonly gateway: string
  readonly admin: string
  readonly token: string
}

/** A request that must be delivered once it is answered 2xx. */
interface Ask {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** `event` is the JSON that is to be delivered. */
const KINDS: readonly ((target: LoadTarget, key: string, event: string) => Ask)[] = [
  ({ admin, token }, _, event) => ({
    url: `${admin}/api/v1/app/partner/msg?with_content=false`,
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    body: `{"eventType":"order.paid","payload":${event}}`,
  }),
  ({ gateway }, key, event) => ({
    url: `${gateway}/hooks`,
    headers: {
      'X-GitHub-Event': 'push',
      'X-GitHub-Delivery': key,
      'X-Hub-Signature-256': `sha256=${createHmac('sha256', SOURCE_SECRET).update(event).digest('hex')}`,
    },
    body: event,
  }),
  ({ gateway }, _, event) => ({ url: `${gateway}/import`, headers: {}, body: event }),
]

export class Load {
  private readonly target: LoadTarget
  private readonly ledger: Ledger
  private readonly requestsMax: number
  private asked = 0
  private ending = false
  private readonly clients: readonly Promise<void>[]

  /** Begins. Keys begin with `prefix`, which no other load has. It is over after `requestsMax` requests. */
  constructor(target: LoadTarget, ledger: Ledger, prefix: string, requestsMax: number) {
    this.target = target
    this.ledger = ledger
    this.requestsMax = requestsMax
    this.clients = KINDS.flatMap((_, kind) =>
      Array.from({ length: CLIENTS }, (_, client) => this.run(kind, `${prefix}-${kind}-${client}`)),
    )
  }

  /** The process is about to end: from now on a request that is not answered is no surprise. Resolves when every client has stopped. */
  async end(): Promise<void> {
    this.ending = true
    await Promise.all(this.clients)
  }

  private async run(kind: number, name: string): Promise<void> {
    for (let n = 0; this.asked < this.requestsMax; n++) {
      this.asked++
      const key = `${name}-${n}`
      const event = JSON.stringify({ key, text: 'é'.repeat(n % 50) })
      this.ledger.send(key, event)
      const { url, headers, body } = KINDS[kind]!(this.target, key, event)
      try {
        const answer = await fetch(url, { method: 'POST', headers, body })
        const text = await answer.text()
        if (answer.ok) this.ledger.accept(key, JSON.parse(text).id)
        else if (!this.ending) this.ledger.faults.push(`${key} was answered ${answer.status}: ${text}`)
      } catch (error) {
        if (!this.ending) this.ledger.faults.push(`${key} was not answered: ${String(error)}`)
        return
      }
    }
  }
}
