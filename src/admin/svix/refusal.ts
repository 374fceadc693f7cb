/** How the webhook API says no: `{code, detail}`, and for 422 the list of what is wrong that Svix clients parse. */
import type { Hook } from '@hono/zod-openapi'
import type { Env } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { StoreConflict } from '../../store/port.ts'

interface HttpErrorOut {
  readonly code: string
  readonly detail: string
}

export interface ValidationErrorItem {
  /** `['body', 'url']` */
  readonly loc: readonly string[]
  readonly msg: string
  readonly type: string
}

export type RefusalBody = HttpErrorOut | { readonly detail: readonly ValidationErrorItem[] }

/** A refusal that a handler throws; the API's error handler answers it. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly status: number
  readonly body: RefusalBody

  constructor(status: number, body: RefusalBody) {
    super(`${status}`)
    this.status = status
    this.body = body
  }
}

export const notFound = (what: string): Refusal =>
  new Refusal(404, { code: 'not_found', detail: `There is no such ${what}.` })

export const conflict = (detail: string): Refusal => new Refusal(409, { code: 'conflict', detail })

/** 422 about one field of the body; `rule` names what was broken, for programs. */
export const invalid = (field: string, msg: string, rule = 'value_error'): Refusal =>
  new Refusal(422, { detail: [{ loc: ['body', field], msg, type: rule }] })

export function refusalAnswer(status: number, body: RefusalBody, headers?: Record<string, string>): Response {
  return Response.json(body, { status, headers: headers ?? {} })
}

/** The answer to whatever a handler threw; null when it was not a refusal but a fault. */
export function answerToError(error: unknown): Response | null {
  if (error instanceof Refusal) return refusalAnswer(error.status, error.body)
  if (error instanceof StoreConflict) {
    return refusalAnswer(409, { code: 'conflict', detail: 'The uid or name is taken by another.' })
  }
  if (!(error instanceof HTTPException)) return null
  // Hono's own: a body that is not JSON (400), not declared as JSON (415), or too large (413).
  if (error.status !== 400) return refusalAnswer(error.status, { code: 'bad_request', detail: error.message })
  return refusalAnswer(422, {
    detail: [{ loc: ['body'], msg: 'The body is not JSON.', type: 'value_error.jsondecode' }],
  })
}

const PLACES: Readonly<Record<string, string>> = { json: 'body', param: 'path' }

/** What a request that its schema refuses gets. */
export const onInvalid = (result: Parameters<Hook<unknown, Env, string, unknown>>[0]): Response | undefined => {
  if (result.success) return undefined
  const detail = result.error.issues.map((issue) => ({
    loc: [PLACES[result.target] ?? result.target, ...issue.path.map(String)],
    msg: issue.message,
    type: issue.code === 'invalid_type' ? 'type_error' : 'value_error',
  }))
  return refusalAnswer(422, { detail })
}
