/** What an event says: the answer's JSON, or what a JSONata expression makes of the exchange. */
import { createRequire } from 'node:module'
import type jsonata from 'jsonata'
import type { Exchange } from '../../pipeline/exchange.ts'
import type { ResponseView } from '../../pipeline/response.ts'

/** Loaded by the first expression: most configurations have none, and it costs every thread some megabytes. */
const loadJsonata = (): typeof jsonata => createRequire(import.meta.url)('jsonata')

/** Bounds for an expression that runs away: milliseconds, calls deep, items in a sequence. */
const GUARDS = { timeout: 250, stack: 200, sequence: 100_000 }

/** Gives the event's `data` for an answer, as JSON text. Throws, or rejects with, whatever the expression does. */
export type Payload = (x: Exchange, res: ResponseView) => string | Promise<string>

/** What is wrong with an expression, or null. */
export function expressionError(expression: string): string | null {
  try {
    loadJsonata()(expression)
    return null
  } catch (error) {
    return error instanceof Error ? error.message : describeThrown(error)
  }
}

/**
 * Without an expression: the answer's JSON to the letter, since reading and writing it anew would round numbers that JavaScript
 * does not have (64-bit identifiers, 1.0). What is not JSON, or says nothing, is `{}`.
 */
export function payloadOf(expression: string | undefined): Payload {
  if (expression === undefined) return (_, res) => (jsonOf(res.body) === null ? '{}' : textOf(res.body!))
  const compiled = loadJsonata()(expression, GUARDS)
  return async (x, res) => {
    const input = {
      request: {
        method: x.head.method,
        path: x.path,
        params: x.params,
        query: Object.fromEntries(new URLSearchParams(x.query)),
        id: x.requestId,
      },
      response: { status: res.status, body: jsonOf(res.body) },
      consumer: x.consumer?.name ?? null,
    }
    const value: unknown = await compiled.evaluate(input)
    return JSON.stringify(value ?? {}) ?? '{}'
  }
}

/** The code that JSONata gives its errors, which says what happened and nothing of the data; else `error`. */
export function errorCode(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'error'
}

function jsonOf(body: Uint8Array | null): unknown {
  if (body === null || body.length === 0) return null
  try {
    return JSON.parse(textOf(body))
  } catch {
    return null
  }
}

function textOf(body: Uint8Array): string {
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8')
}

/** JSONata throws plain objects with a message. */
function describeThrown(error: unknown): string {
  return typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : 'invalid'
}
