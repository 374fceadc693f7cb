/** What a schema cannot see: names that must exist, things that may exist once. */
import { isIPv4 } from 'node:net'
import type { ListenerSpec } from '../model/gateway.ts'
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
  checkKeys(file, report)
  checkListeners(file, report)
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

/** An API key says who calls, so it belongs to one consumer, once. */
function checkKeys(file: File, report: Report): void {
  const owners = new Map<string, { name: string; path: KeyPath }>()
  for (const [name, consumer] of Object.entries(file.consumers ?? {}))
    for (const [index, credential] of (consumer?.credentials ?? []).entries()) {
      const path = ['consumers', name, 'credentials', index, 'api-key']
      const owner = owners.get(credential['api-key'])
      if (owner === undefined) owners.set(credential['api-key'], { name, path })
      else report.fault(path, `the same key as that of \`${owner.name}\` in line ${report.lineOf(owner.path)}`)
    }
}

function checkListeners(file: File, report: Report): void {
  const taken = [{ name: 'admin', path: ['admin', 'address'] as KeyPath, address: file.admin.address }]
  for (const [index, { address }] of file.listeners.entries()) {
    const path = ['listeners', index, 'address']
    const other = taken.find((one) => clash(one.address, address))
    if (other === undefined) taken.push({ name: `listeners[${index}]`, path, address })
    else report.fault(path, `clashes with the address of \`${other.name}\` (${text(other.address)})`)
  }
}

/** Port 0 is a free port each time. `::` also takes IPv4's addresses. */
function clash(a: ListenerSpec, b: ListenerSpec): boolean {
  if (a.port !== b.port || a.port === 0) return false
  return a.host === b.host || covers(a.host, b.host) || covers(b.host, a.host)
}

function covers(wide: string, host: string): boolean {
  return wide === '::' || (wide === '0.0.0.0' && isIPv4(host))
}

function text({ host, port }: ListenerSpec): string {
  return isIPv4(host) ? `${host}:${port}` : `[${host}]:${port}`
}
