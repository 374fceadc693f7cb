/** Routes against each other and against their policies: two that match the same, a limit by nobody. */
import { type Stage, STAGES } from '../pipeline/stages.ts'
import type { DocumentedPolicy } from '../policies/schemas.ts'
import { textOption, usesOf } from './check.ts'
import { pathText } from './fault.ts'
import type { File } from './file-schema.ts'
import { pathShape } from './path-pattern.ts'
import type { Report } from './report.ts'
import { TARGETS } from './route-schema.ts'

type FileRoutes = NonNullable<File['routes']>

export function checkRoutes(file: File, policies: readonly DocumentedPolicy[], report: Report): void {
  const routes = file.routes ?? {}
  checkTargets(routes, report)
  checkTwins(routes, report)
  warnOfNobody(file, new Map(policies.map(({ name, stage }) => [name, stage])), report)
}

function checkTargets(routes: FileRoutes, report: Report): void {
  for (const [name, route] of Object.entries(routes)) {
    const [first, second] = TARGETS.filter((target) => route[target] !== undefined)
    if (first === undefined)
      report.fault(['routes', name], `has no target; give it one of ${TARGETS.join(', ')}`, { atKey: true })
    if (second !== undefined)
      report.fault(['routes', name, second], `has a target already: \`${first}\`; a route ends in one way`, {
        atKey: true,
      })
  }
}

/** The same host, path and method twice: one of the two would never be reached. */
function checkTwins(routes: FileRoutes, report: Report): void {
  const owners = new Map<string, string>()
  for (const [name, { match }] of Object.entries(routes)) {
    const path = ['routes', name, 'match', 'path']
    const twins = new Set<string>()
    for (const host of orEvery(match.hosts))
      for (const method of orEvery(match.methods)) {
        const key = `${host} ${method} ${pathShape(match.path)}`
        const owner = owners.get(key)
        if (owner === undefined) owners.set(key, name)
        else if (owner !== name) twins.add(owner)
      }
    for (const twin of twins) {
      const line = report.lineOf(['routes', twin, 'match', 'path'])
      report.fault(path, `matches the same host, path and method as route \`${twin}\` in line ${line}`)
    }
  }
}

function orEvery(words: readonly string[]): readonly string[] {
  return words.length === 0 ? ['*'] : words
}

/** `by: consumer` where nothing has said yet who the consumer is. */
function warnOfNobody(file: File, stages: ReadonlyMap<string, Stage>, report: Report): void {
  const global = usesOf(['policies'], file.policies)
  const rank = (name: string) => STAGES.indexOf(stages.get(name)!)
  const warned = new Set<string>()
  for (const [name, route] of Object.entries(file.routes ?? {})) {
    const chain = [...global, ...usesOf(['routes', name, 'policies'], route.policies)]
    for (const [index, { use, path }] of chain.entries()) {
      const place = pathText(path)
      if (textOption(use.config, 'by') !== 'consumer' || warned.has(place)) continue
      const identified = chain.some(({ use: other }, at) => {
        const before = rank(other.name) - rank(use.name) || at - index
        return stages.get(other.name) === 'authenticate' && before < 0
      })
      if (identified) continue
      warned.add(place)
      report.warn(
        [...path, use.name, 'by'],
        `no authentication policy acts before \`${use.name}\` on route \`${name}\`, so there is no consumer to go by`,
      )
    }
  }
}
