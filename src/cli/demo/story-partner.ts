/** Steps of the partner: it becomes a consumer with an endpoint, and it goes down for a while without missing anything. */
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { systemClock } from '../../base/clock.ts'
import { ask } from './ask.ts'
import { jsonOf } from './shop.ts'
import { arrived, expect, expectStatus, SOON_MS, type Stage, type Step } from './stage.ts'
import { aboutLine, addToCart } from './story-app.ts'

const APP = 'partner'
const ENDPOINT = 'partner-receiver'
const EVENT = 'cart.item_added'
/** Long enough for the third attempt of the shop's schedule (1 s and 2 s, a fifth more by jitter) and a slow machine. */
const RETRIES_MS = 12_000
const LOOK_EVERY_MS = 150

const Secret = z.object({ key: z.string() })

export const partnerStep: Step = {
  name: 'partner',
  async play({ saved, partner, say }) {
    // The public API that Svix's clients speak: PUT makes what is not there, so that the demo can be started again.
    const put = async (path: string, value: object): Promise<number> => {
      const { status, text, ms } = await ask(`${saved.admin}/api/v1${path}`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${saved.adminToken}`, 'content-type': 'application/json' },
        body: JSON.stringify(value),
      })
      expect(status === 200 || status === 201, `PUT ${path} is answered 200 or 201; it was ${status} ${text}`)
      say.step({ step: 'partner', way: ['operator', 'postern'], what: `PUT /api/v1${path}`, result: status, ms })
      return status
    }
    await put(`/app/${APP}`, { name: 'Partner', uid: APP })
    await put(`/app/${APP}/endpoint/${ENDPOINT}`, { url: partner.url, uid: ENDPOINT, eventTypes: [EVENT] })

    const secret = await ask(`${saved.admin}/api/v1/app/${APP}/endpoint/${ENDPOINT}/secret`, {
      headers: { authorization: `Bearer ${saved.adminToken}` },
    })
    expectStatus(secret, 200, 'the secret of the endpoint')
    partner.trust(Secret.parse(JSON.parse(secret.text)).key)
  },
}

export const outageStep: Step = {
  name: 'outage',
  async play(stage) {
    const { partner, say } = stage
    partner.setDown(true)
    try {
      const line = await addToCart(stage, 'outage', 'lamp')
      const first = await partner.service.arrival(
        ({ headers, body }) => (aboutLine(jsonOf(body)['data'], line) ? headers['webhook-id']?.[0] : undefined),
        SOON_MS,
      )
      const messageId = arrived(first, 'the partner, which is down, is tried')
      await say.during('the partner is down; the next try is due in about 1 s', failedTries(stage, messageId, 2))
      partner.setDown(false)

      const delivered = partner.service.arrival((one) => {
        const taken = partner.taken(one)
        return taken?.id === messageId ? aboutLine(taken.data, line) : undefined
      }, RETRIES_MS)
      arrived(
        await say.during('the partner is up again; the next try is due in about 2 s', delivered),
        `the partner takes ${messageId} after it is up again`,
      )
      const what = 'up again: delivered with the same webhook-id'
      say.step({ step: 'outage', way: ['postern', 'partner'], what, result: 200 })
    } finally {
      partner.setDown(false)
    }
  },
}

/** Shows the failed attempts of a message, as the API lists them, until there are `count`. */
async function failedTries({ api, say }: Stage, messageId: string, count: number): Promise<void> {
  const until = systemClock.elapsed() + RETRIES_MS
  let shown = 0
  while (shown < count) {
    const { data } = await api.attempts({ message: messageId })
    for (const { status, latencyMs: ms } of data.toReversed().slice(shown)) {
      expect(status === 503, `attempt ${shown + 1} meets a partner that is down; it was answered ${status}`)
      shown++
      const what = `cart.item_added, attempt ${shown}: the partner is down`
      say.step({ step: 'outage', way: ['postern', 'partner'], what, result: status, ms })
    }
    expect(shown >= count || systemClock.elapsed() < until, `attempt ${shown + 1} follows on its own`)
    if (shown < count) await sleep(LOOK_EVERY_MS)
  }
}
