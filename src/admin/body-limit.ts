/** The largest body the admin server reads. Hono's own middleware cannot rebuild the requests of the Node adapter. */
import type { MiddlewareHandler } from 'hono'
import { HTTPException } from 'hono/http-exception'

/** Answers 413 to more than `bytesMax` bytes, without reading them when the length is declared. */
export function bodyAtMost(bytesMax: number): MiddlewareHandler {
  return async (c, next) => {
    const { raw } = c.req
    if (Number(raw.headers.get('content-length') ?? 0) > bytesMax) throw new HTTPException(413)
    // A declared length is what HTTP lets through; only a chunked body must be counted.
    if (raw.body !== null && raw.headers.has('transfer-encoding')) {
      const chunks: Uint8Array[] = []
      let bytes = 0
      for await (const chunk of raw.body) {
        bytes += chunk.byteLength
        if (bytes > bytesMax) throw new HTTPException(413)
        chunks.push(chunk)
      }
      c.req.raw = new Request(raw.url, { method: raw.method, headers: raw.headers, body: Buffer.concat(chunks) })
    }
    return next()
  }
}
