/** What happens while the demo stays up: a line for each request at the gateway and at everybody behind it. */
import { systemClock } from '../../base/clock.ts'
import type { Access } from '../gateway-process.ts'
import type { LocalService } from './local-service.ts'
import type { Partner } from './partner.ts'
import type { Say } from './say.ts'
import { jsonOf, type Shop } from './shop.ts'

/** Requests of the admin address, which a `tail` sends twice a second. */
const ADMIN_PATH = /^\/(?:admin|api|ingest|health|ready|metrics)(?:\/|$)/

export class Live {
  /** Wall clock, ms; infinite while the story is told. */
  private since = Infinity
  private readonly say: Say

  constructor(say: Say, shop: Shop, partner: Partner) {
    this.say = say
    const services: readonly LocalService[] = Object.values(shop)
    for (const service of services) {
      service.onAnswer = ({ method, path }, { status }) =>
        this.line(['postern', service.name], `${method} ${path}`, status)
    }
    partner.service.onAnswer = ({ headers, body }, { status }) => {
      const type = jsonOf(body)['type']
      const what = typeof type === 'string' ? type : 'a webhook'
      const verified = status === 200 ? ', signature verified' : ''
      this.line(['postern', 'partner'], `${what}${verified}  ${headers['webhook-id']?.[0] ?? ''}`, status)
    }
  }

  start(): void {
    this.since = systemClock.now()
  }

  stop(): void {
    this.since = Infinity
  }

  access({ time, method, path, status, ms }: Access): void {
    // Records come in batches, the story's last ones after its end.
    if (time >= this.since && !ADMIN_PATH.test(path))
      this.line(['you', 'postern'], `${method} ${path}  ${ms.toFixed(1)} ms`, status)
  }

  private line(way: readonly string[], what: string, status: number): void {
    if (this.since !== Infinity) this.say.live(way, printable(what), status)
  }
}

/** Requests may hold anything, a terminal should not obey it. */
function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, '·').slice(0, 120)
}
