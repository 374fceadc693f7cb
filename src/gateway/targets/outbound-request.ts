/** The request that goes to an upstream for an exchange: its line and framing around the header lines that policies have left. */
import { FRAMING } from '../../wire/head.ts'
import type { OutboundRequest } from '../../wire/outbound.ts'
import type { OutgoingHead } from '../../wire/outgoing.ts'
import type { GatewayExchange } from '../exchange.ts'

/** `instance` is what the request is addressed to when the client named nobody (HTTP/1.0). */
export function outboundRequest(x: GatewayExchange, headers: OutgoingHead, instance: string): OutboundRequest {
  const { head, requestBody } = x
  const { framing, method, takesTrailers, bindsConnection } = head
  const isChunked = framing === FRAMING.chunked
  // A body that came in chunks and was wanted whole has a length now.
  if (isChunked && requestBody !== null) headers.set('Content-Length', String(requestBody.length))
  return {
    method,
    target: x.path + x.query,
    // An authority in the target alone (RFC 9112 §3.2.2).
    host: head.authority === '' ? instance : head.authority,
    headers,
    chunked: isChunked && requestBody === null,
    upgrade: head.upgrade === 'websocket' && framing === FRAMING.none ? 'websocket' : '',
    takesTrailers,
    bindsConnection,
    client: x.inbound.client,
  }
}
