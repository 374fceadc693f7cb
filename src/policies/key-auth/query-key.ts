/** Finds a parameter in a query and cuts it out, leaving every other byte as it was. */

export interface Found {
  /** Every value of the parameter, decoded. */
  readonly values: readonly string[]
  /** The query without them: `?…` or empty. */
  readonly rest: string
}

/** `query` is `?…` or empty. Names and values are compared as form data decodes them, so `api%5Fkey` is `api_key`. */
export function cutParameter(query: string, name: string): Found {
  const found: string[] = []
  const kept: string[] = []
  for (const pair of query.slice(1).split('&')) {
    const mark = pair.indexOf('=')
    if (decoded(mark === -1 ? pair : pair.slice(0, mark)) !== name) kept.push(pair)
    else found.push(mark === -1 ? '' : decoded(pair.slice(mark + 1)))
  }
  if (found.length === 0) return { values: found, rest: query }
  return { values: found, rest: kept.length === 0 ? '' : `?${kept.join('&')}` }
}

function decoded(text: string): string {
  if (!/[%+]/.test(text)) return text
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}
