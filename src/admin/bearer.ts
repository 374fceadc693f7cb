/** The check of a bearer token, apart from the server: engine threads make it too, and load no library for it. */
import { createHash, timingSafeEqual } from 'node:crypto'

/** True when `header` is `Bearer <token>`; the scheme in any case (RFC 9110 §11.1). Takes the same time for every wrong token. */
export function bearerCheck(token: string): (header: string | undefined) => boolean {
  const expected = digest(token)
  return (header) => {
    const given = header === undefined ? null : /^bearer +(\S+)$/i.exec(header)
    return timingSafeEqual(digest(given?.[1] ?? ''), expected) && given !== null
  }
}

/** Digests have one length, so the comparison says nothing about the length of the token. */
const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
