/** Sets, adds and removes header lines on their way to the upstream and back to the client. */
import type { Exchange } from '../../pipeline/exchange.ts'
import { definePolicy } from '../../pipeline/policy.ts'
import type { OutgoingHead } from '../../wire/outgoing.ts'
import type { HeadersConfig } from './schema.ts'
import { template } from './template.ts'

type Edits = HeadersConfig['request']
type Edit = (x: Exchange, out: OutgoingHead) => void

export const headers = definePolicy<HeadersConfig>({
  name: 'headers',
  stage: 'transform',
  create({ request, response }) {
    const [forth, back] = [editor(request), editor(response)]
    return {
      ...(forth && { upstreamRequest: forth }),
      ...(back && { response: (x, res) => back(x, res.headers) }),
    }
  },
})

/** Removes, then sets, then adds; null when there is nothing to do. */
function editor({ set, add, remove }: Edits): Edit | null {
  const setting = Object.entries(set).map(([name, text]) => [name, template(text)] as const)
  const adding = Object.entries(add).map(([name, text]) => [name, template(text)] as const)
  if (setting.length + adding.length + remove.length === 0) return null
  return (x, out) => {
    for (const name of remove) out.remove(name)
    for (const [name, value] of setting) out.set(name, value(x))
    for (const [name, value] of adding) out.append(name, value(x))
  }
}
