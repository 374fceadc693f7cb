/** Turns policies as written into the order they act in: by stage, then as written, the global ones before the route's. */
import type { Policy, PolicyDeps, PolicyType } from './policy.ts'
import { STAGES, type Stage } from './stages.ts'

export interface CompiledPolicy {
  readonly name: string
  readonly stage: Stage
  readonly scope: 'global' | 'route'
  readonly policy: Policy
}

/** A policy at one of its moments; `place` is its position in the whole order. */
export interface Step {
  readonly policy: Policy
  readonly place: number
}

/** The policies of one route. A list is null when nobody acts at that moment. */
export interface Pipeline {
  readonly order: readonly CompiledPolicy[]
  readonly request: readonly Step[] | null
  readonly upstreamRequest: readonly Policy[] | null
  /** Backwards: the last to see the request is the first to see the answer. */
  readonly response: readonly Step[] | null
  readonly finish: readonly Policy[] | null
  /** Largest request body that every policy asking for it can bear; 0 when none asks. */
  readonly requestBodyMax: number
  readonly responseBodyMax: number
}

export interface WrittenPolicy {
  readonly type: PolicyType<unknown>
  readonly config: unknown
  readonly scope: 'global' | 'route'
}

/** `depsAt` gives what the policy at a place may use; `place` is stable over reloads. */
export function compilePipeline(
  written: readonly WrittenPolicy[],
  routeName: string,
  depsAt: (place: string) => PolicyDeps,
): Pipeline {
  const order = written
    .map((one, index) => ({ one, index, place: placeOf(written, index, routeName) }))
    .toSorted((a, b) => STAGES.indexOf(a.one.type.stage) - STAGES.indexOf(b.one.type.stage) || a.index - b.index)
    .map(({ one, place }): CompiledPolicy => ({
      name: one.type.name,
      stage: one.type.stage,
      scope: one.scope,
      policy: one.type.create(one.config, depsAt(place)),
    }))
  const policies = order.map((one) => one.policy)
  const steps = policies.map((policy, place): Step => ({ policy, place }))
  return {
    order,
    request: listOrNull(steps.filter((step) => step.policy.request !== undefined)),
    upstreamRequest: listOrNull(policies.filter((policy) => policy.upstreamRequest !== undefined)),
    response: listOrNull(steps.filter((step) => step.policy.response !== undefined).toReversed()),
    finish: listOrNull(policies.filter((policy) => policy.finish !== undefined)),
    requestBodyMax: smallest(policies.map((policy) => policy.requestBody?.bytesMax)),
    responseBodyMax: smallest(policies.map((policy) => policy.responseBody?.bytesMax)),
  }
}

/**
 * Where a policy stands among those of its name and scope, so that what it counts outlives others that come or go beside it.
 * A global policy's counters are shared by all routes; a route's own are its own.
 */
function placeOf(written: readonly WrittenPolicy[], index: number, routeName: string): string {
  const { scope, type } = written[index]!
  const before = written.slice(0, index).filter((one) => one.scope === scope && one.type.name === type.name).length
  return `${scope === 'global' ? 'global' : `route/${routeName}`}/${before}/${type.name}`
}

function listOrNull<T>(list: readonly T[]): readonly T[] | null {
  return list.length === 0 ? null : list
}

function smallest(bounds: readonly (number | undefined)[]): number {
  const given = bounds.filter((bound) => bound !== undefined)
  return given.length === 0 ? 0 : Math.min(...given)
}
