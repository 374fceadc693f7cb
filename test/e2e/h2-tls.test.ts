/** HTTP/2 behind TLS: agreed on in the handshake, and not forced on anybody. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import http2 from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { connect } from 'node:tls'
import { once } from 'node:events'
import { TestAuthority } from '../support/certificates.ts'
import { ask } from '../support/h2.ts'
import { startPostern } from '../support/postern.ts'

const authority = await TestAuthority.make()
const folder = await mkdtemp(join(tmpdir(), 'postern-h2-'))
const { chain, key } = authority.issue('shop', '/CN=shop', ['DNS:shop.example'])
await writeFile(join(folder, 'cert.pem'), chain)
await writeFile(join(folder, 'key.pem'), key)
const postern = await startPostern(`
listeners: [{ address: 127.0.0.1:0, tls: { certificates: [{ cert: ${folder}/cert.pem, key: ${folder}/key.pem }] } }]
admin: { address: 127.0.0.1:0 }
threads: 1
routes:
  hello: { match: { path: /hello }, reply: { status: 200, body: hello } }
`)
after(async () => {
  await postern.stop()
  await authority.remove()
  await rm(folder, { recursive: true })
})

test('a client that offers h2 gets it', async () => {
  const session = http2.connect(`https://127.0.0.1:${postern.port()}`, {
    servername: 'shop.example',
    rejectUnauthorized: false,
  })
  const answer = await ask(session, { ':path': '/hello', ':authority': 'shop.example' })
  assert.deepEqual([session.alpnProtocol, answer.status, answer.body.toString()], ['h2', 200, 'hello'])
  session.close()
})

test('a client that does not offer it speaks HTTP/1.1', async () => {
  const socket = connect({
    port: postern.port(),
    host: '127.0.0.1',
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
  })
  socket.write('GET /hello HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n')
  const [bytes] = await once(socket, 'data')
  assert.match(String(bytes), /^HTTP\/1\.1 200 /)
  socket.destroy()
})
