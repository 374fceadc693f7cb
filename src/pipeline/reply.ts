/** An answer of our own: what a policy returns to end an exchange, and what targets that do not proxy give. */
import { type Problem, problemBody } from '../base/problem.ts'

export interface Reply {
  readonly status: number
  /** Name, value, name, value … */
  readonly headers: readonly string[]
  readonly body: string | Uint8Array
  /** Reason code of the access record: a problem's code, or the target's name. */
  readonly code: string
}

/** A refusal from the catalogue, as `application/problem+json`. `headers` are name, value, name, value … */
export function refuse(problem: Problem, detail?: string, headers?: readonly string[]): Reply {
  return {
    status: problem.status,
    headers: ['Content-Type', 'application/problem+json', ...(headers ?? [])],
    body: problemBody(problem, detail),
    code: problem.code,
  }
}

export function json(status: number, value: unknown, code: string): Reply {
  return { status, headers: ['Content-Type', 'application/json'], body: JSON.stringify(value), code }
}
