/** unix-address: one path, several sockets: whose turn it is, what a crash leaves, what a stranger keeps. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { type Server, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { once } from 'node:events'
import { tempFolder } from '../../test/support/temp.ts'
import { UnixAddress } from './unix-address.ts'

/** A folder, and engines that listen in it and greet with their number. */
async function folder(t: TestContext) {
  const temp = await tempFolder()
  const servers: Server[] = []
  t.after(async () => {
    for (const server of servers) if (server.listening) await new Promise((resolve) => server.close(resolve))
    await temp.remove()
  })
  const path = join(temp.path, 'p.sock')
  const serve = async (file: string, greeting: string) => {
    const server = createServer((socket) => socket.on('error', () => {}).end(greeting)).listen(file)
    await once(server, 'listening')
    servers.push(server)
    return server
  }
  return { path, serve, files: () => readdirSync(temp.path).sort() }
}

async function greetingAt(path: string): Promise<string> {
  let text = ''
  for await (const bytes of connect({ path })) text += String(bytes)
  return text
}

test('the path leads to each engine in turn, and never to nobody', async (t) => {
  const { path, serve } = await folder(t)
  const address = new UnixAddress(path, 1)
  await address.claim(false)
  for (const engine of [0, 1, 2]) {
    await serve(address.fileOf(engine), String(engine))
    address.joined(engine)
  }
  const greetings: string[] = []
  for (let i = 0; i < 6; i++) {
    greetings.push(await greetingAt(path))
    address.next()
  }
  assert.deepEqual(greetings, ['0', '1', '2', '0', '1', '2'])
})

test('an engine that has closed its socket, and has not been heard of since, is passed over', async (t) => {
  const { path, serve, files } = await folder(t)
  const address = new UnixAddress(path, 1)
  const servers: Server[] = []
  for (const engine of [0, 1, 2]) {
    servers.push(await serve(address.fileOf(engine), String(engine)))
    address.joined(engine)
  }
  await new Promise((resolve) => servers[1]!.close(resolve))
  const greetings: string[] = []
  for (let i = 0; i < 4; i++) {
    greetings.push(await greetingAt(path))
    address.next()
  }
  assert.deepEqual(greetings, ['0', '2', '0', '2'])
  for (const server of [servers[0]!, servers[2]!]) await new Promise((resolve) => server.close(resolve))
  address.next()
  address.release()
  assert.deepEqual(files(), [])
})

test('an engine that has ended is passed over, and its file removed', async (t) => {
  const { path, serve, files } = await folder(t)
  const address = new UnixAddress(path, 1)
  for (const engine of [0, 1]) {
    await serve(address.fileOf(engine), String(engine))
    address.joined(engine)
  }
  address.left(0)
  assert.equal(await greetingAt(path), '1')
  address.next()
  assert.equal(await greetingAt(path), '1')
  assert.deepEqual(files(), ['p.sock', 'p.sock.1-1'])
  address.release()
  assert.deepEqual(files(), [])
})

test('what a crash has left is removed; what is answered is not', async (t) => {
  const { path, serve, files } = await folder(t)
  const dead = await serve(`${path}.7-0`, 'dead')
  const crashed = new UnixAddress(path, 7)
  crashed.joined(0)
  // A process that crashes removes no file: the names outlive the socket.
  const [inode, other] = [statSync(path).ino, `${path}.7-next`]
  await new Promise((resolve) => dead.close(resolve))
  assert.equal(statSync(path).ino, inode)
  await serve(other, 'alive')

  await new UnixAddress(path, 8).claim(false)
  assert.deepEqual(files(), ['p.sock.7-next'])
})

test('a path that somebody answers at is taken; with leave it is taken over, and not given back', async (t) => {
  const { path, serve } = await folder(t)
  const first = new UnixAddress(path, 1)
  await serve(first.fileOf(0), 'first')
  first.joined(0)
  const second = new UnixAddress(path, 2)
  await assert.rejects(second.claim(false), { code: 'EADDRINUSE' })

  await second.claim(true)
  first.stand()
  await serve(second.fileOf(0), 'second')
  second.joined(0)
  first.next()
  assert.equal(await greetingAt(path), 'second')
  first.release()
  assert.equal(await greetingAt(path), 'second')
})

test('when the one that takes over fails, the first has its path back', async (t) => {
  const { path, serve } = await folder(t)
  const first = new UnixAddress(path, 1)
  await serve(first.fileOf(0), 'first')
  first.joined(0)
  first.stand()
  const second = new UnixAddress(path, 2)
  await serve(second.fileOf(0), 'second')
  second.joined(0)
  second.left(0)
  first.resume()
  assert.equal(await greetingAt(path), 'first')
})

test('a file that is no socket is left alone, and said', async (t) => {
  const { path } = await folder(t)
  writeFileSync(path, 'precious')
  await assert.rejects(new UnixAddress(path, 1).claim(false), /is no socket/)
  assert.ok(existsSync(path))
})
