/** How the admin API answers: problems (RFC 9457), and the pieces of its OpenAPI description. */
import { type Hook, z } from '@hono/zod-openapi'
import type { Env } from 'hono'
import { PROBLEMS, type Problem, problemBody } from '../base/problem.ts'

/** A refusal that a handler of the admin API throws; the app answers it as a problem. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError'
  readonly problem: Problem
  readonly detail: string | undefined
  readonly extra: Record<string, unknown> | undefined

  constructor(problem: Problem, detail?: string, extra?: Record<string, unknown>) {
    super(detail ?? problem.title)
    this.problem = problem
    this.detail = detail
    this.extra = extra
  }
}

export function problemAnswer(
  problem: Problem,
  detail?: string,
  extra?: Record<string, unknown>,
  headers?: Record<string, string>,
): Response {
  return new Response(problemBody(problem, detail, extra), {
    status: problem.status,
    headers: { 'Content-Type': 'application/problem+json', ...headers },
  })
}

/** What a request that its schema refuses gets: 422 with the place and the reason of each fault. */
export const onInvalid: Hook<unknown, Env, string, unknown> = (result) => {
  if (result.success) return undefined
  const errors = result.error.issues.map((issue) => ({
    path: [result.target, ...issue.path].join('.'),
    message: issue.message,
  }))
  return problemAnswer(PROBLEMS.validation, undefined, { errors })
}

/** The schema of what `stamp` writes. */
export const Stamp = z.iso.datetime().openapi({ example: '2026-01-31T12:00:00.000Z' })

/** The entry of a route's `responses` for a JSON answer. */
export function answer<T extends z.ZodType>(schema: T, description: string) {
  return { description, content: { 'application/json': { schema } } }
}

/** The `request.body` of a route that must get JSON. */
export function jsonBody<T extends z.ZodType>(schema: T) {
  return { required: true, content: { 'application/json': { schema } } } as const
}

/** What every route behind the token says of itself. */
export const secured = (operationId: string, tag: string) => ({ operationId, tags: [tag], security: [{ bearer: [] }] })

/** The entry of a route's `responses` for a refusal. */
export const problemResponse = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
})
