/** The static table of HPACK (RFC 7541 Appendix A). */
import { Field } from './field.ts'

const ENTRIES = `:authority|:method GET|:method POST|:path /|:path /index.html|:scheme http|:scheme https|:status 200|:status 204|
:status 206|:status 304|:status 400|:status 404|:status 500|accept-charset|accept-encoding gzip, deflate|accept-language|accept-ranges|
accept|access-control-allow-origin|age|allow|authorization|cache-control|content-disposition|content-encoding|content-language|
content-length|content-location|content-range|content-type|cookie|date|etag|expect|expires|from|host|if-match|if-modified-since|
if-none-match|if-range|if-unmodified-since|last-modified|link|location|max-forwards|proxy-authenticate|proxy-authorization|range|
referer|refresh|retry-after|server|set-cookie|strict-transport-security|transfer-encoding|user-agent|vary|via|www-authenticate`

/** By index, from 1; 0 is no entry. */
export const STATIC_TABLE: readonly Field[] = ['', ...ENTRIES.split('|').map((entry) => entry.trim())].map((entry) => {
  const space = entry.indexOf(' ')
  return space === -1 ? new Field(entry, '') : new Field(entry.slice(0, space), entry.slice(space + 1))
})

/** The first index of a name. */
export const STATIC_NAMES: ReadonlyMap<string, number> = new Map(
  STATIC_TABLE.map(({ name }, index) => [name, index] as const)
    .slice(1)
    .toReversed(),
)
