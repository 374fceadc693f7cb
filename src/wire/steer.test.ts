/** steer: the system gives new connections to the sockets that it was told, and to all again. */
import assert from 'node:assert/strict'
import { type Server, connect, createServer } from 'node:net'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { steer } from './steer.ts'

const isLinux = process.platform === 'linux'

/** Sockets that share a port, in the order in which they began to listen, and how many connections each has had. */
async function sharing(t: TestContext, count: number) {
  const had = Array.from({ length: count }, () => 0)
  const servers: Server[] = []
  let port = 0
  for (const i of had.keys()) {
    const server = createServer((socket) => {
      had[i]!++
      socket.on('error', () => {}).destroy()
    })
    server.listen({ port, host: '127.0.0.1', reusePort: true })
    await once(server, 'listening')
    const address = server.address()
    port = typeof address === 'object' && address !== null ? address.port : 0
    servers.push(server)
  }
  t.after(() => servers.forEach((server) => void server.close()))
  const visit = async (times: number) => {
    had.fill(0)
    for (let i = 0; i < times; i++) {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      await once(socket, 'close')
    }
    return [...had]
  }
  const fd = (i: number): number => Reflect.get(Reflect.get(servers[i]!, '_handle'), 'fd')
  return { servers, visit, fd }
}

test('new connections go to the sockets of the second, until anybody may have them', { skip: !isLinux }, async (t) => {
  const { visit, fd } = await sharing(t, 4)
  assert.equal(steer([{ fd: fd(3), to: { first: 2, count: 2 } }]), true)
  const [a, b, c, d] = await visit(60)
  assert.deepEqual([a, b, c! + d!], [0, 0, 60])
  assert.ok(c! > 0 && d! > 0)
  assert.equal(steer([{ fd: fd(3), to: null }]), true)
  const all = await visit(100)
  assert.ok(
    all.every((one) => one > 0),
    String(all),
  )
})

test(
  'while those of the first close, in whatever order, what keeps its number gets them',
  { skip: !isLinux },
  async (t) => {
    const { servers, visit, fd } = await sharing(t, 4)
    assert.equal(steer([{ fd: fd(0), to: { first: 2, count: 1 } }]), true)
    servers[1]!.close()
    const [a, , c] = await visit(30)
    assert.deepEqual([a, c], [0, 30])
    servers[0]!.close()
    const [, , e, f] = await visit(30)
    assert.equal(e! + f!, 30)
  },
)

test('what is no socket is not steered', () => {
  assert.equal(steer([{ fd: 0, to: { first: 1, count: 1 } }]), false)
})
