/** What a newcomer can do while the demo stays up: lines to copy, with the real addresses and keys. */
import { isAbsolute, join, relative } from 'node:path'
import type { Saved } from './saved.ts'
import type { Say } from './say.ts'

export function printTryIt(say: Say, saved: Saved, entry: string): void {
  const { gateway, admin, adminToken, apiKey, stripeSecret } = saved
  const postern = command(entry)
  const json = `-H 'content-type: application/json'`
  const entries: ReadonlyArray<readonly [why: string, ...lines: string[]]> = [
    [
      'A route that asks for a key; leave the key out to be refused:',
      `curl -i ${gateway}/user/profile -H 'x-api-key: ${apiKey}'`,
    ],
    [
      'Something for the cart; the partner hears of it:',
      `curl -i ${gateway}/cart/add -H 'x-api-key: ${apiKey}' ${json} -d '{"sku":"mug","quantity":2}'`,
    ],
    [
      'A payment, signed as Stripe does:',
      `${postern} send --sign stripe --to ${gateway}/hooks/stripe --secret ${stripeSecret} --event payment_intent.succeeded`,
    ],
    [
      'An event for the partner, published through the API:',
      `curl -i ${admin}/api/v1/app/partner/msg -H 'authorization: Bearer ${adminToken}' ${json} -d '{"eventType":"cart.item_added","payload":{"type":"cart.item_added","data":{"sku":"lamp"}}}'`,
    ],
    ['What was sent, and what came of it:', `curl ${admin}/admin/v1/attempts -H 'authorization: Bearer ${adminToken}'`],
    [
      'The same as it happens; `explain` and `send` work like this too:',
      `POSTERN_SERVER=${admin} POSTERN_TOKEN=${adminToken} ${postern} tail`,
    ],
  ]
  say.title('It stays up. Try it from another terminal:')
  for (const [why, ...lines] of entries) {
    say.line(`  ${say.paint.dim(why)}`)
    for (const line of lines) say.line(`    ${line}`)
  }
}

/** How a person calls us: in the repository npx brings the Node that is needed; an older one may come first on the path. */
function command(entry: string): string {
  return nearby(entry) === join('src', 'main.ts') ? 'npx postern' : `${process.execPath} ${entry}`
}

/** The path from here when it lies below, else as it is. */
function nearby(path: string): string {
  const from = relative(process.cwd(), path)
  return from.startsWith('..') || isAbsolute(from) ? path : from
}
