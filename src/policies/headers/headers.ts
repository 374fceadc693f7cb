/** Sets, adds and removes header lines on their way to the upstream and back to the client. */
import { z } from 'zod'
import type { Exchange } from '../../pipeline/exchange.ts'
import { definePolicy } from '../../pipeline/policy.ts'
import { type OutgoingHead, isFieldValue } from '../../wire/outgoing.ts'
import { anyHeaderName, headerName } from '../schema.ts'
import { PLACEHOLDER_NAMES, template, unknownPlaceholders } from './template.ts'

const value = z
  .string()
  .refine(isFieldValue, { message: 'is not a header value: no line ends, no controls, nothing beyond Latin-1' })
  .refine((text) => unknownPlaceholders(text).length === 0, {
    message: `has an unknown placeholder; known are ${PLACEHOLDER_NAMES.map((name) => `\${${name}}`).join(', ')}`,
  })

/** Which host a service sees is an operator's to say; the rest of what `headerName` refuses is the wire's. */
const nameOrHost = anyHeaderName.refine((name) => name.toLowerCase() === 'host' || headerName.safeParse(name).success, {
  message: 'belongs to the connection and is not for policies',
})

const edits = (settable: z.ZodType<string, string>) =>
  z
    .strictObject({
      set: z.record(settable, value).default({}).describe('Header and value; replaces every line of that name.'),
      add: z
        .record(headerName, value)
        .default({})
        .describe('Header and value; a further line beside any of that name.'),
      remove: z.array(headerName).default([]).describe('Headers to leave out.'),
    })
    .prefault({})

type Edits = z.output<ReturnType<typeof edits>>
type Edit = (x: Exchange, out: OutgoingHead) => void

export const headers = definePolicy({
  name: 'headers',
  stage: 'transform',
  config: z.strictObject({
    request: edits(nameOrHost).describe('What to change on the way to the upstream.'),
    response: edits(headerName).describe('What to change on the way to the client.'),
  }),
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
