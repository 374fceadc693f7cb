/** What emit can be told. */
import { z } from 'zod'
import { expressionError } from './payload.ts'

const expression = z.string().superRefine((text, context) => {
  const message = expressionError(text)
  if (message !== null) context.addIssue({ code: 'custom', message: `is not a JSONata expression: ${message}` })
})

export const emitConfig = z.strictObject({
  event: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,256}$/, 'must be letters, digits, `.`, `_` and `-`')
    .describe('The type of the event: `cart.item_added`.'),
  to: z
    .string()
    .min(1)
    .optional()
    .describe('The consumer it is for; every consumer who wants the event type if not given.'),
  payload: expression
    .optional()
    .describe(
      'A JSONata expression over `request`, `response` and `consumer` that gives the event’s data; the answer’s JSON if not given.',
    ),
  bytesMax: z.int().min(1).default(1_048_576).describe('Largest answer that is read, bytes.'),
})

export type EmitConfig = z.infer<typeof emitConfig>
