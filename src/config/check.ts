/** What a schema cannot see: names that must exist, things that may exist once. */
import { checkListeners } from './check-listeners.ts'
import type { KeyPath } from './fault.ts'
import type { File } from './file-schema.ts'
import type { Report } from './report.ts'

/** Reports every name that leads nowhere and everything that is there twice. */
export function checkNames(file: File, providers: readonly string[], report: Report): void {
  const services = Object.keys(file.services ?? {})
  const sources = Object.keys(file.sources ?? {})
  const events = Object.keys(file['event-types'] ?? {})
  const known = (path: KeyPath, noun: string, word: string | undefined, words: readonly string[]) => {
    if (word !== undefined && !words.includes(word)) report.unknown(path, noun, word, words)
  }

  for (const [name, route] of Object.entries(file.routes ?? {})) {
    const at = ['routes', name]
    known([...at, 'proxy'], 'service', route.proxy, services)
    known([...at, 'durable'], 'service', route.durable, services)
    known([...at, 'ingest'], 'source', route.ingest, sources)
    known([...at, 'publish', 'event'], 'event type', route.publish?.event, events)
  }
  for (const { use, path } of allUses(file))
    known([...path, use.name, 'event'], 'event type', textOption(use.config, 'event'), events)
  for (const [name, source] of Object.entries(file.sources ?? {})) {
    known(['sources', name, 'provider'], 'provider', source.provider, providers)
    for (const [index, { service }] of (source.deliver ?? []).entries())
      known(['sources', name, 'deliver', index, 'service'], 'service', service, services)
  }
  checkProtocols(file, report)
  checkCredentials(file, report)
  checkListeners(file, report)
}

/** HTTP/2 is agreed on in the TLS handshake, or known beforehand: which of the two, the URL says as well. */
function checkProtocols(file: File, report: Report): void {
  for (const [name, { protocol, instances }] of Object.entries(file.services ?? {})) {
    if (protocol === 'http/1.1') continue
    const scheme = protocol === 'h2' ? 'https:' : 'http:'
    if (instances.every(({ url }) => url.startsWith(scheme))) continue
    report.fault(['services', name, 'protocol'], `${protocol} is spoken with instances at ${scheme}// only`)
  }
}

/** Every policy as written, global ones first. */
function allUses(file: File) {
  const global = usesOf(['policies'], file.policies)
  const own = Object.entries(file.routes ?? {}).map(([name, route]) =>
    usesOf(['routes', name, 'policies'], route.policies),
  )
  return [...global, ...own.flat()]
}

export function usesOf(path: KeyPath, uses: File['policies']) {
  return (uses ?? []).map((use, index) => ({ use, path: [...path, index] }))
}

/** An option of a policy when it is text; policies are otherwise opaque here. */
export function textOption(config: unknown, option: string): string | undefined {
  if (typeof config !== 'object' || config === null) return undefined
  const value: unknown = Reflect.get(config, option)
  return typeof value === 'string' ? value : undefined
}

/** A credential says who calls, so it belongs to one consumer, once. */
function checkCredentials(file: File, report: Report): void {
  const owners = new Map<string, { name: string; path: KeyPath }>()
  for (const [name, consumer] of Object.entries(file.consumers ?? {}))
    for (const [index, credential] of (consumer?.credentials ?? []).entries()) {
      const certificate = credential['client-cert']
      const path = ['consumers', name, 'credentials', index, certificate === undefined ? 'api-key' : 'client-cert']
      const shown = JSON.stringify(certificate ?? credential['api-key'])
      const owner = owners.get(shown)
      const noun = certificate === undefined ? 'key' : 'certificate'
      if (owner === undefined) owners.set(shown, { name, path })
      else report.fault(path, `the same ${noun} as that of \`${owner.name}\` in line ${report.lineOf(owner.path)}`)
    }
}
