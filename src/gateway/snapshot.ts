/** A revision compiled for serving: immutable, swapped with one assignment. */
import type { DesiredState, Route } from '../model/gateway.ts'
import { type WrittenPolicy, compilePipeline } from '../pipeline/compile.ts'
import type { PolicyDeps, PolicyType } from '../pipeline/policy.ts'
import type { Forwarding } from '../upstream/forwarding.ts'
import { TrustedProxies } from '../wire/forwarded.ts'
import type { CompiledRoute } from './exchange.ts'
import { Router } from './router.ts'
import { type TargetDeps, compileTarget, notFound } from './targets/target.ts'

export interface Snapshot {
  readonly revision: number
  readonly router: Router<CompiledRoute>
  readonly routes: readonly CompiledRoute[]
  /** What happens to requests that match no route: the global policies, then 404. */
  readonly noRoute: CompiledRoute
  /** Who is believed about the client; null for nobody. */
  readonly proxies: TrustedProxies | null
  readonly forwarding: Forwarding
}

export interface CompileDeps {
  policyNamed(name: string): PolicyType<unknown> | null
  policyDeps(place: string): PolicyDeps
  readonly targets: TargetDeps
  /** Who we are in `Via` when the configuration does not say. */
  readonly via: string
}

/** Throws when a policy cannot be created from its (already checked) configuration. */
export function compileSnapshot(revision: number, state: DesiredState, deps: CompileDeps): Snapshot {
  const written = (uses: DesiredState['policies'], scope: 'global' | 'route'): WrittenPolicy[] =>
    uses.map((use) => {
      const type = deps.policyNamed(use.name)
      if (type === null) throw new Error(`no policy is named ${use.name}`)
      return { type, config: use.config, scope }
    })
  const { write, read, trusted } = state.forwarded
  const forwarding: Forwarding = {
    xForwarded: write !== 'forwarded',
    forwarded: write !== 'x-forwarded',
    via: state.via === '' ? deps.via : state.via,
  }
  const global = written(state.policies, 'global')
  const compileRoute = (spec: Route): CompiledRoute => ({
    name: spec.name,
    pipeline: compilePipeline([...global, ...written(spec.policies, 'route')], spec.name, (place) =>
      deps.policyDeps(place),
    ),
    target: compileTarget(spec.target, deps.targets),
    forwarding,
    bodyBytesMax: spec.bodyBytesMax,
    spec,
  })
  const routes = Object.values(state.routes).map(compileRoute)
  const router = new Router(routes.map((route) => ({ match: route.spec!.match, value: route })))
  return {
    revision,
    router,
    routes,
    noRoute: {
      name: '',
      pipeline: compilePipeline(global, '', (place) => deps.policyDeps(place)),
      target: notFound((host, path) => router.allowed(host, path)),
      forwarding,
      bodyBytesMax: 0,
      spec: null,
    },
    proxies: trusted.length === 0 ? null : new TrustedProxies(trusted, read),
    forwarding,
  }
}
