/** Listeners against each other, and their options against their kind of address. */
import { isIPv4 } from 'node:net'
import type { KeyPath } from './fault.ts'
import type { File } from './file-schema.ts'
import type { FileListener } from './listener-schema.ts'
import type { Report } from './report.ts'

export function checkListeners(file: File, report: Report): void {
  const taken = [{ name: 'admin', path: ['admin'] as KeyPath, one: file.admin }]
  checkOptions(['admin'], file.admin, report)
  for (const [index, one] of file.listeners.entries()) {
    const path = ['listeners', index]
    checkOptions(path, one, report)
    const other = taken.find((before) => clash(before.one, one))
    if (other === undefined) taken.push({ name: `listeners[${index}]`, path, one })
    else {
      const hint = onlyAsDualStack(one, other.one) ? '; say `dual-stack: false` to have [::] without IPv4' : ''
      report.fault([...path, 'address'], `clashes with the address of \`${other.name}\` (${text(other.one)})${hint}`)
    }
  }
}

function checkOptions(path: KeyPath, one: FileListener, report: Report): void {
  const { address } = one
  if (one['dual-stack'] !== undefined && !('host' in address && address.host === '::'))
    report.fault([...path, 'dual-stack'], 'only [::] can take the connections of two families', { atKey: true })
  if (one.mode !== undefined && !('path' in address))
    report.fault([...path, 'mode'], 'only a Unix socket has permissions', { atKey: true })
}

/** Port 0 is a free port each time. */
function clash(a: FileListener, b: FileListener): boolean {
  if ('path' in a.address || 'path' in b.address)
    return 'path' in a.address && 'path' in b.address && a.address.path === b.address.path
  if (a.address.port !== b.address.port || a.address.port === 0) return false
  return a.address.host === b.address.host || covers(a, b.address.host) || covers(b, a.address.host)
}

/** `::` takes IPv4's addresses too, unless it was told not to. */
function covers(wide: FileListener, host: string): boolean {
  if (!('host' in wide.address)) return false
  if (wide.address.host === '::') return isDualStack(wide) || !isIPv4(host)
  return wide.address.host === '0.0.0.0' && isIPv4(host)
}

function onlyAsDualStack(a: FileListener, b: FileListener): boolean {
  const isFour = ({ address }: FileListener) => 'host' in address && isIPv4(address.host)
  return (isDualStack(a) && isFour(b)) || (isDualStack(b) && isFour(a))
}

function isDualStack({ address, 'dual-stack': dualStack }: FileListener): boolean {
  return 'host' in address && address.host === '::' && dualStack !== false
}

function text({ address }: FileListener): string {
  if ('path' in address) return `unix:${address.path}`
  return isIPv4(address.host) ? `${address.host}:${address.port}` : `[${address.host}]:${address.port}`
}
