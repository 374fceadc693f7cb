/** Which web origins are meant: `*`, `https://shop.example`, `https://*.shop.example`. */

const HOST = '[a-z0-9-]+(?:\\.[a-z0-9-]+)*'

/** An origin as browsers write it (lower case, no path, no default port; RFC 6454 §6.2), perhaps with `*.` before the host. */
const PATTERN = new RegExp(`^[a-z][a-z0-9+.-]*://(?:(?:\\*\\.)?${HOST}|\\[[0-9a-f:.]+\\])(?::\\d{1,5})?$`)

export function isOriginPattern(text: string): boolean {
  return text === '*' || PATTERN.test(text)
}

/** Decides for texts that `isOriginPattern` knows. `*.` stands for one or more labels, never for none. */
export function originMatcher(patterns: readonly string[]): (origin: string) => boolean {
  if (patterns.includes('*')) return () => true
  const exact = new Set(patterns.filter((pattern) => !pattern.includes('*')))
  const wild = patterns
    .filter((pattern) => pattern.includes('*'))
    .map((pattern) => new RegExp(`^${RegExp.escape(pattern).replace('\\*\\.', `${HOST}\\.`)}$`))
  return (origin) => exact.has(origin) || wild.some((expression) => expression.test(origin))
}
