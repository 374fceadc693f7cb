/** What headers can be told. */
import { z } from 'zod'
import { isFieldValue } from '../../wire/outgoing.ts'
import { anyHeaderName, headerName } from '../schema.ts'
import { PLACEHOLDER_NAMES, unknownPlaceholders } from './template.ts'

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

export const headersConfig = z.strictObject({
  request: edits(nameOrHost).describe('What to change on the way to the upstream.'),
  response: edits(headerName).describe('What to change on the way to the client.'),
})

export type HeadersConfig = z.infer<typeof headersConfig>
