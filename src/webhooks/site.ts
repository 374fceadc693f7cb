/** Which site a receiver belongs to, as far as load is concerned: the domain that somebody registered, whatever stands before it. */
import { createRequire } from 'node:module'
import { isIP } from 'node:net'
import type * as Suffixes from 'tldts'

/**
 * `hooks.eu.shop.example.co.uk:8443` is of `example.co.uk`; an address, or a name without a public suffix, is its own site, port included.
 * The list of public suffixes is loaded by the first name that needs it: it costs an engine 14 MB.
 */
export function siteOf(host: string): string {
  const name = host.replace(/:\d+$/, '')
  if (name.startsWith('[') || isIP(name) !== 0 || !name.includes('.')) return host
  // Under a suffix that a company lends its customers (github.io) everybody is a site of his own.
  return suffixes().getDomain(name, { allowPrivateDomains: true }) ?? host
}

let loaded: typeof Suffixes | null = null

function suffixes(): typeof Suffixes {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return (loaded ??= createRequire(import.meta.url)('tldts') as typeof Suffixes)
}
