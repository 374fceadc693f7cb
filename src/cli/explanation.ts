/** The shape of a server's explanation, checked: it may be of another version than this command. */
import { z } from 'zod'

export const ExplanationOut = z.object({
  method: z.string(),
  host: z.string(),
  path: z.string().nullable(),
  route: z.string().nullable(),
  why: z.string(),
  policies: z.array(z.object({ name: z.string(), stage: z.string(), scope: z.enum(['global', 'route']) })),
  target: z.string(),
  others: z.array(z.object({ route: z.string(), reason: z.string() })),
})
