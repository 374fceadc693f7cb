/** The partner: a receiver outside the shop that verifies what it is sent, and that can be told to be down. */
import { systemClock } from '../../base/clock.ts'
import { type Keys, prepareKeys } from '../../signatures/keys.ts'
import { standardWebhooks } from '../../signatures/providers/standard-webhooks.ts'
import { plainRequest } from '../../signatures/request.ts'
import { verify } from '../../signatures/verify.ts'
import { type Answer, type Arrived, LocalService } from './local-service.ts'
import { jsonOf } from './shop.ts'

const PATH = '/webhooks'

/** A webhook that the partner took and could verify. */
export interface Taken {
  readonly id: string
  readonly type: unknown
  readonly data: unknown
}

export interface Partner {
  readonly service: LocalService
  /** Where it is called. */
  readonly url: string
  /** The secret of its endpoint, `whsec_…`. */
  trust(secret: string): void
  /** While it is down it answers 503, as a receiver does that is being deployed. */
  setDown(down: boolean): void
  /** The webhook behind an arrival, if the partner took it. */
  taken(arrived: Arrived): Taken | undefined
}

/**
 * `GET /webhooks` lists what it took, newest first. `lastUrl` is where it was at the last start, or empty: deliveries may still be on
 * their way there, so the port is kept when it is free.
 */
export async function openPartner(lastUrl: string): Promise<Partner> {
  let keys: Keys | null = null
  let down = false
  const taken = new WeakMap<Arrived, Taken>()

  const take = (arrived: Arrived): Answer => {
    if (down || keys === null) return { status: 503, body: { error: 'down for a moment' } }
    const verdict = verify(standardWebhooks, plainRequest(arrived.headers, arrived.body), keys, systemClock.now())
    if (!verdict.ok) return { status: 401, body: { error: `signature ${verdict.reason}` } }
    const { type, data } = jsonOf(arrived.body)
    taken.set(arrived, { id: arrived.headers['webhook-id']?.[0] ?? '', type, data })
    return { status: 200, body: { received: true } }
  }

  const service = await LocalService.start(
    'partner',
    (arrived) => {
      if (arrived.path !== PATH) return { status: 404, body: { error: `webhooks go to ${PATH}` } }
      if (arrived.method === 'POST') return take(arrived)
      const kept = service.arrived.flatMap((one) => taken.get(one) ?? [])
      return { status: 200, body: kept.toReversed(), keep: false }
    },
    Number(URL.parse(lastUrl)?.port ?? 0),
  )
  return {
    service,
    url: service.url + PATH,
    trust: (secret) => (keys = prepareKeys(standardWebhooks, [secret])),
    setDown: (value) => (down = value),
    taken: (arrived) => taken.get(arrived),
  }
}
