/** A policy as written in a list: its name alone, or its name with its options. */
import { z } from 'zod'
import type { PolicyUse } from '../model/gateway.ts'
import type { DocumentedPolicy } from '../policies/schemas.ts'

/** `key-auth`, or `{ rate-limit: { limit: 100, per: 1m } }`; the options are checked by the policy's own schema. */
export function policyUse(policies: readonly DocumentedPolicy[]) {
  return z
    .union([bareName(policies), nameWithOptions(policies)])
    .meta({ description: 'A policy: its name, or its name with its options.' })
}

function bareName(policies: readonly DocumentedPolicy[]) {
  const byName = new Map(policies.map((policy) => [policy.name, policy]))
  return z.enum([...byName.keys()]).transform((name, context): PolicyUse => {
    const options = byName.get(name)!.config.safeParse({})
    if (options.success) return { name, config: options.data }
    const lacking = options.error.issues.map((issue) => issue.path.join('.')).filter((path) => path !== '')
    context.addIssue({ code: 'custom', message: `\`${name}\` needs options: ${[...new Set(lacking)].join(', ')}` })
    return z.NEVER
  })
}

function nameWithOptions(policies: readonly DocumentedPolicy[]) {
  const shape = policies.map(({ name, config }) => {
    // `- key-auth:` is a mapping with nothing in it yet.
    const options = z.preprocess((written) => written ?? {}, config).optional()
    return [name, options] as const
  })
  const mapping = z.strictObject(Object.fromEntries(shape)).meta({ minProperties: 1, maxProperties: 1 })
  return z.preprocess(checkOneName, mapping).transform((written): PolicyUse => {
    // An unknown name is found already and does not stop here.
    const [name, config] = Object.entries(written)[0] ?? ['', null]
    return { name, config }
  })
}

function checkOneName(written: unknown, context: z.RefinementCtx): unknown {
  const isMapping = typeof written === 'object' && written !== null && !Array.isArray(written)
  if (isMapping && Object.keys(written).length !== 1)
    context.addIssue({ code: 'custom', message: 'must name one policy; each has an entry of its own' })
  return written
}
