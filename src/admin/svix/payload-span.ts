/** Finds the payload in the text of a publish request, so that what is delivered is what the publisher wrote. */

const QUOTE = 34
const BACKSLASH = 92

/**
 * The text of the last top-level member `name` of a JSON object; null when it has none. `text` must be valid JSON: it has been
 * parsed already. Taking the slice keeps what JSON.parse and JSON.stringify would change: 64-bit integers, `1.0`, duplicate keys.
 */
export function memberText(text: string, name: string): string | null {
  let found: string | null = null
  let at = skipBlank(text, skipBlank(text, 0) + 1)
  while (text.charCodeAt(at) === QUOTE) {
    const keyEnd = stringEnd(text, at)
    const start = skipBlank(text, skipBlank(text, keyEnd) + 1)
    const end = valueEnd(text, start)
    if (isKey(text, at, keyEnd, name)) found = text.slice(start, end)
    // A comma leads to the next key, a closing brace ends the loop.
    at = skipBlank(text, skipBlank(text, end) + 1)
  }
  return found
}

/** Compares a quoted key, which may be written with escapes. */
function isKey(text: string, start: number, end: number, name: string): boolean {
  if (end - start === name.length + 2 && text.startsWith(name, start + 1)) return true
  const key = text.slice(start, end)
  return key.includes('\\') && JSON.parse(key) === name
}

function skipBlank(text: string, from: number): number {
  let at = from
  // Of the characters up to the blank, only white space can stand between tokens (RFC 8259 §2).
  while (text.charCodeAt(at) <= 32) at++
  return at
}

/** Past the closing quote of the string that opens at `start`. */
function stringEnd(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end + 1
}

/** An odd number of backslashes before a quote makes it part of the string. */
function isEscaped(text: string, quote: number): boolean {
  let at = quote - 1
  while (text.charCodeAt(at) === BACKSLASH) at--
  return (quote - at) % 2 === 0
}

/** Past the value that starts at `start`. */
function valueEnd(text: string, start: number): number {
  const first = text[start]
  if (first === '"') return stringEnd(text, start)
  let at = start
  if (first !== '{' && first !== '[') {
    while (!',}] \t\r\n'.includes(text.charAt(at))) at++
    return at
  }
  let depth = 0
  do {
    const c = text.charCodeAt(at)
    if (c === QUOTE) {
      at = stringEnd(text, at)
      continue
    }
    // `[` and `{` are 91 and 123, `]` and `}` are 93 and 125.
    if (c === 91 || c === 123) depth++
    else if (c === 93 || c === 125) depth--
    at++
  } while (depth > 0)
  return at
}
