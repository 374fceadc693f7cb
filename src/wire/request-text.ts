/** The only place that writes the head of an HTTP/1.1 request: for the gateway's exchanges and for deliveries alike. */
import type { OutboundRequest } from './outbound.ts'

export function requestText({
  method,
  target,
  host,
  headers,
  chunked,
  upgrade,
  takesTrailers,
}: OutboundRequest): string {
  const lines = headers.lines()
  let head = `${method} ${target} HTTP/1.1\r\n`
  if (headers.get('host') === null) head += `Host: ${host}\r\n`
  head += lines
  if (chunked) head += 'Transfer-Encoding: chunked\r\n'
  if (upgrade !== '') head += `Connection: Upgrade\r\nUpgrade: ${upgrade}\r\n`
  else if (takesTrailers) head += 'Connection: TE\r\nTE: trailers\r\n'
  return head + '\r\n'
}
