/** How acme-client reaches the CA: with the operator's trust, within bounds, its refusals kept in its own words. */
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import type { axios } from 'acme-client'
import { z } from 'zod'
import { type Clock, parseHttpDate } from '../base/clock.ts'
import { CaRefusal, CaUnreachable } from './failure.ts'

/** One request and its answer. */
const ANSWER_MS = 30_000
/** A chain of certificates has some kilobytes. */
const ANSWER_BYTES_MAX = 1_048_576

const BAD_NONCE = 'urn:ietf:params:acme:error:badNonce'
const PROBLEM = z.object({ type: z.string().default(''), detail: z.string().default('') })

type Adapter = Extract<NonNullable<typeof axios.defaults.adapter>, (...args: never) => unknown>
type AdapterConfig = Parameters<Adapter>[0]

/** `ca`: PEM; null: the system's. Rejects with CaRefusal or CaUnreachable; acme-client repeats neither. */
export function transport(ca: string | null, clock: Clock, signal: AbortSignal): Adapter {
  return async (config) => {
    const { answer, text } = await ask(config, ca, AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]))
    const { statusCode = 0, statusMessage = '', headers } = answer
    if (statusCode >= 400) refuse(statusCode, text, retryAfterMs(headers['retry-after'] ?? '', clock.now()))
    return { data: text, status: statusCode, statusText: statusMessage, headers: present(headers), config }
  }
}

function present(headers: IncomingMessage['headers']): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}

/** Throws what the CA says, unless acme-client knows what to do: it asks again with the nonce that came (RFC 8555 §6.5). */
function refuse(status: number, text: string, retryAfterMs: number): void {
  const { type, detail } = problemIn(text)
  if (status === 400 && type === BAD_NONCE) return
  if (status >= 500 && type === '') throw new CaUnreachable(`the CA answers with status ${status}`)
  throw new CaRefusal(detail === '' ? `the CA answers with status ${status}` : detail, type, retryAfterMs)
}

function problemIn(text: string): z.infer<typeof PROBLEM> {
  try {
    return PROBLEM.parse(JSON.parse(text))
  } catch {
    return { type: '', detail: '' }
  }
}

/** Seconds, or a date (RFC 9110 §10.2.3). */
function retryAfterMs(value: string, nowMs: number): number {
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1_000
  const at = parseHttpDate(value, nowMs)
  return Number.isNaN(at) ? 0 : Math.max(0, at - nowMs)
}

async function ask(config: AdapterConfig, ca: string | null, signal: AbortSignal) {
  try {
    const { url = '', method = 'get', headers } = config
    const sent = request(url, {
      method: method.toUpperCase(),
      headers: Object.fromEntries(Object.entries(headers.toJSON()).map(([name, value]) => [name, String(value)])),
      signal,
      ...(ca === null ? {} : { ca }),
    })
    const came = new Promise<IncomingMessage>((resolve, reject) => {
      sent.on('response', resolve).on('error', reject)
    })
    sent.end(typeof config.data === 'string' ? config.data : undefined)
    const answer = await came
    return { answer, text: await textOf(answer) }
  } catch (error) {
    if (error instanceof CaRefusal) throw error
    throw new CaUnreachable(`the CA cannot be reached: ${reasonOf(error)}`)
  }
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of answer) {
    parts.push(Buffer.from(part))
    bytes += parts.at(-1)!.length
    if (bytes > ANSWER_BYTES_MAX) throw new CaRefusal('the CA answers with more than a megabyte')
  }
  return Buffer.concat(parts).toString('utf8')
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // Several addresses were tried, each with a reason of its own.
  const [first = error] = error instanceof AggregateError ? error.errors : []
  return first instanceof Error ? first.message : String(first)
}
