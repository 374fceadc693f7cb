/** The parts that descriptions of the webhook API's routes share. */
import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { type Consumer, type Endpoint, OPERATIONAL_CONSUMER } from '../../model/webhook.ts'
import type { Store } from '../../store/port.ts'
import { answer } from '../answers.ts'
import { type AccessEnv, scoped } from './access.ts'
import { notFound, onInvalid } from './refusal.ts'

const HttpErrorOut = z.object({ code: z.string(), detail: z.string() }).openapi('HttpErrorOut')

const HTTPValidationError = z
  .object({ detail: z.array(z.object({ loc: z.array(z.string()), msg: z.string(), type: z.string() })) })
  .openapi('HTTPValidationError')

export const AppPath = z.object({ app_id: z.string() })
export const EndpointPath = AppPath.extend({ endpoint_id: z.string() })
export const MessagePath = AppPath.extend({ msg_id: z.string() })

/** A router whose refusals by schema have Svix's shape. Errors that handlers throw are answered where it is mounted. */
export const svixRouter = (): OpenAPIHono<AccessEnv> =>
  new OpenAPIHono<AccessEnv>({ defaultHook: onInvalid, strict: false })

/** The refusals of every route, for the description. */
const REFUSALS = {
  401: answer(HttpErrorOut, 'The token is missing or wrong.'),
  403: answer(HttpErrorOut, 'The token does not allow it.'),
  404: answer(HttpErrorOut, 'There is no such thing here.'),
  409: answer(HttpErrorOut, 'It exists already, or is in use.'),
  422: answer(HTTPValidationError, 'The input is not valid.'),
}

/** Describes a route; the name is Svix's operation id. */
export function operation<
  const R extends Omit<Parameters<typeof createRoute>[0], 'operationId' | 'security'> & { path: string },
>(name: string, route: R) {
  return createRoute({
    ...route,
    operationId: name,
    tags: [name.split('.')[1]!],
    security: [{ bearer: [] }],
    middleware: [scoped(name)] as const,
    responses: { ...REFUSALS, ...route.responses },
  })
}

/** The consumer by id or uid, or a 404. */
export async function consumerOf(store: Store, idOrUid: string): Promise<Consumer> {
  const consumer = await store.getConsumer(idOrUid)
  if (consumer === null || consumer.id === OPERATIONAL_CONSUMER) throw notFound('application')
  return consumer
}

/** The endpoint of this consumer by id or uid, or a 404. */
export async function endpointOf(store: Store, path: { app_id: string; endpoint_id: string }): Promise<Endpoint> {
  const consumer = await consumerOf(store, path.app_id)
  const endpoint = await store.getEndpoint(consumer.id, path.endpoint_id)
  if (endpoint === null) throw notFound('endpoint')
  return endpoint
}
