/** transport: what a CA says when it says no, and what is no answer at all. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:https'
import { type TestContext, after, before, describe, test } from 'node:test'
import { axios } from 'acme-client'
import { TestAuthority } from '../../test/support/certificates.ts'
import { systemClock } from '../base/clock.ts'
import { CaRefusal, CaUnreachable } from './failure.ts'
import { transport } from './transport.ts'

let authority: TestAuthority
before(async () => {
  authority = await TestAuthority.make()
})
after(() => authority.remove())

/** Asks a CA that answers so, with trust in it unless told otherwise. */
async function asked(t: TestContext, answer: RequestListener, ca: string | null = authority.ca, signal?: AbortSignal) {
  const { chain: cert, key } = authority.issue('server', '/CN=ca', ['DNS:localhost'])
  const server = createServer({ cert, key }, answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const url = `https://localhost:${address.port}/order`
  axios.defaults.adapter = transport(ca, systemClock, signal ?? new AbortController().signal)
  return axios.request({ url, method: 'post', data: { a: 1 } })
}

const problem = (type: string, detail: string) => JSON.stringify({ type: `urn:ietf:params:acme:error:${type}`, detail })

describe('an answer', () => {
  test('is handed on', async (t) => {
    const { status, data, headers } = await asked(t, (request, response) => {
      request.resume()
      response.setHeader('Replay-Nonce', 'n1').end(JSON.stringify({ length: request.headers['content-length'] }))
    })
    assert.deepEqual([status, data, headers['replay-nonce']], [200, { length: '7' }, 'n1'])
  })

  test('that is a refusal keeps the CA’s words, and how long it wants to be left alone', async (t) => {
    const limited: RequestListener = (_, response) =>
      response.writeHead(429, { 'Retry-After': '3600' }).end(problem('rateLimited', 'too many certificates'))
    await assert.rejects(asked(t, limited), (error) => {
      assert.ok(error instanceof CaRefusal && error.isRateLimit)
      assert.deepEqual([error.message, error.retryAfterMs], ['too many certificates', 3_600_000])
      return true
    })
    const until = new Date(Date.now() + 60_000).toUTCString()
    await assert.rejects(
      asked(t, (_, response) =>
        response.writeHead(503, { 'Retry-After': until }).end(problem('serverInternal', 'busy')),
      ),
      (error) => error instanceof CaRefusal && error.retryAfterMs > 50_000 && error.retryAfterMs <= 60_000,
    )
  })

  test('to a nonce that is too old is acme-client’s to go on with', async (t) => {
    const { status } = await asked(t, (_, response) => response.writeHead(400).end(problem('badNonce', 'old')))
    assert.equal(status, 400)
  })

  test('without an end is cut short', async (t) => {
    const endless: RequestListener = (_, response) => {
      const more = () => {
        while (response.write(Buffer.alloc(65_536)));
      }
      response.on('drain', more)
      more()
    }
    await assert.rejects(asked(t, endless), CaRefusal)
  })
})

describe('no answer', () => {
  test('is a CA that cannot be reached', async (t) => {
    await assert.rejects(
      asked(t, (request) => request.socket.destroy()),
      CaUnreachable,
    )
    await assert.rejects(
      asked(t, (_, response) => response.writeHead(502).end('<html>')),
      CaUnreachable,
    )
  })

  test('is one that we have no reason to trust', async (t) => {
    await assert.rejects(
      asked(t, (_, response) => response.end('{}'), null),
      /unable to verify|self-signed/,
    )
  })

  test('is waited for no longer when we stop', async (t) => {
    const stopping = new AbortController()
    const silent = asked(t, () => stopping.abort(), undefined, stopping.signal)
    await assert.rejects(silent, CaUnreachable)
  })
})
