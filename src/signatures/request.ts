/** The two things about a request that a signature can cover. */

export interface SignedRequest {
  /** The values of every line named so (lower case), in order, as received: latin1, outer whitespace removed. */
  header(name: string): readonly string[]
  /** The bytes on the wire. */
  readonly body: Uint8Array
}

/** A request from plain headers, names in lower case; several lines of one name are an array. */
export function plainRequest(
  headers: Readonly<Record<string, string | readonly string[]>>,
  body: Uint8Array | string,
): SignedRequest {
  const lines = new Map(Object.entries(headers))
  return {
    header: (name) => [lines.get(name) ?? []].flat(),
    body: typeof body === 'string' ? Buffer.from(body) : body,
  }
}
