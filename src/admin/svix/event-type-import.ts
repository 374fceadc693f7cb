/** Making event types of the webhooks that an OpenAPI document describes. */
import { type OpenAPIHono, z } from '@hono/zod-openapi'
import type { EventType } from '../../model/webhook.ts'
import { answer, jsonBody } from '../answers.ts'
import type { AdminDeps } from '../deps.ts'
import type { AccessEnv } from './access.ts'
import { type DescribedEventType, eventTypesOf, parsedSpec } from './openapi-webhooks.ts'
import { invalid } from './refusal.ts'
import { operation, svixRouter } from './routes.ts'

const TYPES_MAX = 5_000

const EventTypeFromOpenApi = z
  .object({
    name: z.string(),
    description: z.string(),
    schemas: z.unknown(),
    deprecated: z.boolean(),
    groupName: z.string().nullable(),
    featureFlags: z.array(z.string()),
  })
  .openapi('EventTypeFromOpenApi')

const importOpenApi = operation('v1.event-type.import-openapi', {
  method: 'post',
  path: '/event-type/import/openapi',
  request: {
    body: jsonBody(
      z
        .object({
          /** Says what would change, and changes nothing. */
          dryRun: z.boolean().default(false),
          /** Archives every event type that is not in the document. */
          replaceAll: z.boolean().default(false),
          /** The document. */
          spec: z.record(z.string(), z.unknown()).nullish(),
          /** The document as JSON or YAML. */
          specRaw: z.string().nullish(),
        })
        .openapi('EventTypeImportOpenApiIn'),
    ),
  },
  responses: {
    200: answer(
      z
        .object({
          data: z.object({ modified: z.array(z.string()), to_modify: z.array(EventTypeFromOpenApi).nullable() }),
        })
        .openapi('EventTypeImportOpenApiOut'),
      'Which event types were made, changed or archived; with `dryRun`, which would be.',
    ),
  },
})

export function eventTypeImportRoutes({ store, clock, directoryChanged }: AdminDeps): OpenAPIHono<AccessEnv> {
  const routes = svixRouter()

  routes.openapi(importOpenApi, async (c) => {
    const { dryRun, replaceAll, spec, specRaw } = c.req.valid('json')
    if ((spec == null) === (specRaw == null)) throw invalid('spec', 'Either `spec` or `specRaw`.')
    const described = specRaw == null ? eventTypesOf(spec, 'spec') : eventTypesOf(parsedSpec(specRaw), 'specRaw')
    if (described.length > TYPES_MAX) throw invalid('spec', `At most ${TYPES_MAX} event types at once.`)

    const known = new Map((await store.allEventTypes()).map((type) => [type.name, type]))
    const now = clock.now()
    const wanted = described.map((one): EventType => {
      const createdAt = known.get(one.name)?.createdAt ?? now
      return { ...one, featureFlags: [...one.featureFlags], archived: false, createdAt, updatedAt: now }
    })
    const names = new Set(described.map(({ name }) => name))
    const gone = replaceAll ? [...known.values()].filter(({ name, archived }) => !names.has(name) && !archived) : []
    const changed = [
      ...wanted.filter((type) => differs(type, known.get(type.name))),
      ...gone.map((type) => archivedAt(now, type)),
    ]
    if (dryRun) {
      const toModify = changed.filter(({ name }) => names.has(name)).map(importedOut)
      return c.json({ data: { modified: [], to_modify: toModify } }, 200)
    }
    for (const type of changed) await store.putEventType(type)
    await directoryChanged({ eventTypes: changed })
    return c.json({ data: { modified: changed.map(({ name }) => name), to_modify: null } }, 200)
  })

  return routes
}

function importedOut({ schema, ...rest }: DescribedEventType): z.infer<typeof EventTypeFromOpenApi> {
  const { name, description, deprecated, groupName, featureFlags } = rest
  return { name, description, deprecated, groupName, featureFlags: [...featureFlags], schemas: schema }
}

function archivedAt(updatedAt: number, type: EventType): EventType {
  return { ...type, archived: true, updatedAt }
}

/** In anything but its times. */
function differs(type: EventType, known: EventType | undefined): boolean {
  const times = { createdAt: 0, updatedAt: 0 }
  return (
    known === undefined ||
    JSON.stringify(sorted({ ...type, ...times })) !== JSON.stringify(sorted({ ...known, ...times }))
  )
}

/** With the keys in order, at the top: the store has an order of its own. */
function sorted(type: EventType): [string, unknown][] {
  return Object.entries(type).toSorted(([a], [b]) => (a < b ? -1 : 1))
}
