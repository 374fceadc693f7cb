/** Shows a CA that a name is ours, by a text at a path that it chooses (HTTP-01, RFC 8555 §8.3). */
import type { Reply } from '../pipeline/reply.ts'

const PREFIX = '/.well-known/acme-challenge/'

/** The answer to a request for one of the tokens that are live; null for any other, which is the routes'. */
export function challengeReply(tokens: ReadonlyMap<string, string>, method: string, path: string): Reply | null {
  if (!path.startsWith(PREFIX) || (method !== 'GET' && method !== 'HEAD')) return null
  const body = tokens.get(path.slice(PREFIX.length))
  if (body === undefined) return null
  return { status: 200, headers: ['Content-Type', 'application/octet-stream'], body, code: 'acme-challenge' }
}
