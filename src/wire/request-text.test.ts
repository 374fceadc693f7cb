/** request-text: the head that goes upstream says what was asked, and nothing else. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { OutboundRequest } from './outbound.ts'
import { OutgoingHead } from './outgoing.ts'
import { requestText } from './request-text.ts'

const written = (options: Partial<OutboundRequest>) =>
  requestText({
    method: 'GET',
    target: '/a?b',
    host: 'fallback:1',
    headers: new OutgoingHead(),
    chunked: false,
    upgrade: '',
    takesTrailers: false,
    ...options,
  })

describe('requestText', () => {
  it('brings the Host of its own when there is none', () => {
    const headers = new OutgoingHead()
    headers.append('X-One', '1')
    assert.equal(written({ headers }), 'GET /a?b HTTP/1.1\r\nHost: fallback:1\r\nX-One: 1\r\n\r\n')
    headers.append('hOST', 'own')
    assert.equal(written({ headers }), 'GET /a?b HTTP/1.1\r\nX-One: 1\r\nhOST: own\r\n\r\n')
  })

  it('says how the body is framed and what to switch to', () => {
    assert.equal(
      written({ chunked: true }),
      'GET /a?b HTTP/1.1\r\nHost: fallback:1\r\nTransfer-Encoding: chunked\r\n\r\n',
    )
    assert.equal(
      written({ upgrade: 'websocket' }),
      'GET /a?b HTTP/1.1\r\nHost: fallback:1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    )
    assert.equal(
      written({ takesTrailers: true }),
      'GET /a?b HTTP/1.1\r\nHost: fallback:1\r\nConnection: TE\r\nTE: trailers\r\n\r\n',
    )
  })
})
