/** What is sent to an endpoint of a message, before it is signed: the payload, what the consumer's code made of it, a CloudEvent. */
import type { Endpoint, Message, Transformation } from '../model/webhook.ts'
import type { LiveEndpoint } from './directory.ts'
import type { Transformations } from './transformations.ts'

/** Where an attempt goes and what it carries. */
export interface Content {
  readonly method: string
  readonly url: string
  readonly origin: string
  readonly host: string
  /** Path and query. */
  readonly target: string
  readonly body: Uint8Array
  readonly contentType: string
  /** Lines beside the endpoint's own. */
  readonly headers: Readonly<Record<string, string>>
}

/** Nothing is sent, and why. */
export interface NoContent {
  readonly failure: 'transformation-failed' | 'transformation-cancelled'
  /** For whoever looks at the attempt. */
  readonly detail: string
}

const NO_HEADERS: Readonly<Record<string, string>> = {}
const METHODS: ReadonlySet<unknown> = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])
/** What frames, routes or signs a request is not for consumers' code to say. */
const RESERVED =
  /^(?:host|content-length|transfer-encoding|connection|keep-alive|upgrade|te|trailer|expect|proxy-.*|webhook-.*|svix-.*)$/i

/** At once unless code has to run. */
export function contentFor(
  to: LiveEndpoint,
  message: Message,
  transformations: Transformations,
): Content | NoContent | Promise<Content | NoContent> {
  const { endpoint, origin, host, target } = to
  const plain: Content = {
    method: 'POST',
    url: endpoint.url,
    origin,
    host,
    target,
    body: message.payload,
    contentType: 'application/json',
    headers: NO_HEADERS,
  }
  const { transformation, sending } = endpoint
  const formatted = (content: Content | NoContent) =>
    'failure' in content || sending.format === 'plain' ? content : asCloudEvent(content, message, sending.format)
  if (transformation === null || !transformation.enabled) return formatted(plain)
  return transformed(plain, endpoint, transformation, message, transformations).then(formatted)
}

async function transformed(
  plain: Content,
  endpoint: Endpoint,
  transformation: Transformation,
  { payload, eventType, channels }: Message,
  transformations: Transformations,
): Promise<Content | NoContent> {
  const failed = (detail: string): NoContent => ({ failure: 'transformation-failed', detail })
  let data: unknown
  try {
    data = JSON.parse(Buffer.from(payload).toString('utf8'))
  } catch {
    return failed('the payload is not JSON')
  }
  const input = {
    method: plain.method,
    url: endpoint.url,
    eventType,
    channels,
    payload: data,
    headers: {},
    cancel: false,
  }
  const { reason, output } = await transformations.run(transformation, JSON.stringify(input))
  if (reason !== null) return failed(reason)
  const made: Readonly<Record<string, unknown>> = JSON.parse(output)
  if (made['cancel'] === true) return { failure: 'transformation-cancelled', detail: '' }
  const { method, url, headers } = made
  if (!METHODS.has(method)) return failed('the method must be POST, PUT, PATCH or DELETE')
  const place = typeof url === 'string' ? URL.parse(url) : null
  if (place === null || !/^https?:$/.test(place.protocol) || place.username !== '' || place.password !== '')
    return failed('the URL must be an http or https URL without credentials')
  const lines = Object.entries(typeof headers === 'object' && headers !== null ? headers : {})
  const wrong = lines.find(([name, value]) => RESERVED.test(name) || typeof value !== 'string')
  if (wrong !== undefined) return failed(`the header ${wrong[0].slice(0, 100)} cannot be set`)
  return {
    ...plain,
    method: String(method),
    url: place.href,
    origin: place.origin,
    host: place.host,
    target: place.pathname + place.search,
    body: Buffer.from(JSON.stringify(made['payload'] ?? null)),
    headers: Object.fromEntries(lines.map(([name, value]) => [name, String(value)])),
  }
}

/** CloudEvents 1.0.2 over HTTP: structured (§3.2), or binary (§3.1). The payload's bytes stay as they are wherever they can. */
function asCloudEvent(
  content: Content,
  { id, eventType, consumerId, createdAt }: Message,
  format: 'cloudevents-structured' | 'cloudevents-binary',
): Content {
  const attributes = {
    specversion: '1.0',
    id,
    source: `urn:postern:consumer:${consumerId ?? ''}`,
    type: eventType,
    time: new Date(createdAt).toISOString(),
  }
  if (format === 'cloudevents-binary') {
    const lines = Object.entries(attributes).map(([name, value]) => [`ce-${name}`, percentEncodeHeader(value)])
    return { ...content, headers: { ...content.headers, ...Object.fromEntries(lines) } }
  }
  const head = JSON.stringify({ ...attributes, datacontenttype: content.contentType }).slice(0, -1)
  const body = Buffer.concat([Buffer.from(`${head},"data":`), content.body, Buffer.from('}')])
  return { ...content, body, contentType: 'application/cloudevents+json; charset=utf-8' }
}

/** As CloudEvents' HTTP binding says (§3.1.3.2): what is not printable ASCII, space, quote and percent are escaped. */
function percentEncodeHeader(value: string): string {
  return value.toWellFormed().replace(/[^\x21-\x7e]|["%]/gu, encodeURIComponent)
}
