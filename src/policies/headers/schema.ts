/** What headers can be told. */
import { z } from 'zod'
import { FIELD, fieldOf } from '../../wire/head.ts'
import { isFieldValue } from '../../wire/outgoing.ts'
import { anyHeaderName } from '../schema.ts'
import { PLACEHOLDER_NAMES, unknownPlaceholders } from './template.ts'

const value = z
  .string()
  .refine(isFieldValue, { message: 'is not a header value: no line ends, no controls, nothing beyond Latin-1' })
  .refine((text) => unknownPlaceholders(text).length === 0, {
    message: `has an unknown placeholder; known are ${PLACEHOLDER_NAMES.map((name) => `\${${name}}`).join(', ')}`,
  })

/** What is an operator's to say although the wire knows it: who we are to a service, who the client is, who we say we are. */
const EDITABLE: ReadonlySet<number> = new Set([FIELD.other, FIELD.authorization, FIELD.forwarded, FIELD.via])

const editable = (also: number = FIELD.other) =>
  anyHeaderName.refine((name) => [...EDITABLE, also].includes(fieldOf(name, 0, name.length)), {
    message: 'belongs to the connection and is not for policies',
  })

const edits = (settable: z.ZodType<string, string>) =>
  z
    .strictObject({
      set: z.record(settable, value).default({}).describe('Header and value; replaces every line of that name.'),
      add: z
        .record(editable(), value)
        .default({})
        .describe('Header and value; a further line beside any of that name.'),
      remove: z.array(editable()).default([]).describe('Headers to leave out.'),
    })
    .prefault({})

export const headersConfig = z.strictObject({
  request: edits(editable(FIELD.host)).describe('What to change on the way to the upstream.'),
  response: edits(editable()).describe('What to change on the way to the client.'),
})

export type HeadersConfig = z.infer<typeof headersConfig>
