/** One process takes the place of another on the same file and ports: no request fails, no event is lost, nobody does it by accident. */
import assert from 'node:assert/strict'
import { copyFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { connect } from 'node:tls'
import { join } from 'node:path'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { RawClient } from '../../src/selftest/raw-client.ts'
import { RecordingUpstream } from '../../src/selftest/recording-upstream.ts'
import { TestAuthority } from '../support/certificates.ts'
import { LoadClient } from '../support/load-client.ts'
import { type Running, startPostern } from '../support/postern.ts'
import { tempFolder } from '../support/temp.ts'
import { Admin } from './support/admin.ts'
import { Partners } from './support/partners.ts'
import { Receiver } from './support/receiver.ts'

const configuration = (more = '', listeners = '[{ address: 127.0.0.1:0 }, { address: unix:p.sock }]'): string => `
listeners: ${listeners}
admin: { address: 127.0.0.1:0 }
threads: 2
access-log: off
egress: { allow: [127.0.0.0/8] }
routes:
  load: { match: /load, reply: { body: ok } }
${more}
`

/** A folder to run several processes in, one after another. */
async function place(t: TestContext) {
  const folder = await tempFolder()
  const running: Running[] = []
  t.after(async () => {
    for (const one of running) await one.kill()
    await folder.remove()
  })
  const start = async (yaml: string, ...args: string[]): Promise<Running> => {
    const one = await startPostern(yaml, { folder: folder.path, args })
    running.push(one)
    return one
  }
  return { folder: folder.path, start }
}

test('no request fails while one process takes over from another, and a third from that', async (t) => {
  const { folder, start } = await place(t)
  const first = await start(configuration())
  const loads = [
    new LoadClient({ at: first.port(), kept: 24, single: 8, body: 'ok' }),
    new LoadClient({ at: join(folder, 'p.sock'), kept: 8, single: 4, body: 'ok' }),
  ]
  const more = () => Promise.all(loads.map((load) => load.more(500)))
  await more()

  let before = first
  for (let i = 0; i < 2; i++) {
    const next = await start(configuration(), '--takeover')
    assert.deepEqual([next.gateway, next.admin], [first.gateway, first.admin], 'port 0 is the port that it was')
    assert.equal(await before.gone(), 'code 0')
    await next.waitForLine(({ msg }) => String(msg).startsWith('took over'), 'that the one before has ended')
    assert.ok(!next.lines.some(({ level }) => level !== 'info'), 'nothing to warn of')
    await more()
    before = next
  }
  await Promise.all(loads.map((load) => load.stop()))
  for (const load of loads) assert.deepEqual(load.failures, [])
})

test('what runs in the first is finished there', async (t) => {
  const upstream = await RecordingUpstream.start({ answer: () => {} })
  t.after(() => upstream.close())
  const { start } = await place(t)
  const yaml =
    configuration('  up: { match: /up, proxy: up }', '[{ address: 127.0.0.1:0 }]') +
    `services: { up: ${upstream.url} }\n`
  const first = await start(yaml)
  const client = await RawClient.connect(first.port())
  await client.send('GET /up HTTP/1.1\r\nHost: a\r\n\r\n')
  const [request] = await upstream.untilRequests(1)
  const second = await start(yaml, '--takeover')
  const kept = await RawClient.connect(first.port())
  await kept.send('GET /load HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.deepEqual(
    (await kept.response()).lines.filter(([name]) => name === 'Connection'),
    [],
    'the second serves',
  )
  request!.connection.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone')
  const answer = await client.response()
  assert.equal(answer.body.toString(), 'done')
  assert.deepEqual(
    answer.lines.find(([name]) => name === 'Connection'),
    ['Connection', 'close'],
  )
  client.close()
  assert.equal(await first.gone(), 'code 0')
  kept.close()
  await second.stop()
})

test('events that are published meanwhile are delivered, each once, and what was set up is known to the second', async (t) => {
  const receiver = await Receiver.start()
  t.after(() => receiver.close())
  const { start } = await place(t)
  const first = await start(configuration())
  const partners = new Partners(await Admin.of(first), receiver)
  const { name, inbox } = await partners.next()
  const stop = new AbortController()
  let published = 0
  const publish = async () => {
    while (!stop.signal.aborted) {
      await partners.publish(name, { n: published })
      published++
    }
  }
  const publishing = [publish(), publish(), publish()]
  await start(configuration(), '--takeover')
  assert.equal(await first.gone(), 'code 0')
  const later = await partners.next()
  stop.abort()
  await Promise.all(publishing)
  await inbox.until(published)
  assert.equal(new Set(inbox.taken.map(({ headers }) => headers['webhook-id'])).size, published)
  await partners.publish(later.name, { n: 0 })
  await later.inbox.until(1)
})

test('two processes on one store are refused, with a sentence, unless one is to take over', async (t) => {
  const { start } = await place(t)
  const first = await start(configuration())
  await assert.rejects(start(configuration()), /is served by another process; stop that one, or take its place with/)
  assert.equal((await fetch(`${first.gateway[0]}/load`)).status, 200)
  await first.stop()
})

test('with nobody to take over from, it is a start like any other', async (t) => {
  const { start } = await place(t)
  const first = await start(configuration(), '--takeover')
  await first.kill()
  const second = await start(configuration(), '--takeover')
  assert.equal((await fetch(`${second.gateway[0]}/load`)).status, 200)
})

test('a successor that cannot start, or dies, leaves the first serving', async (t) => {
  const { folder, start } = await place(t)
  const first = await start(configuration())
  const path = join(folder, 'p.sock')
  const load = new LoadClient({ at: path, kept: 4, single: 4, body: 'ok' })
  const stranger = createServer().listen(0, '127.0.0.1')
  await once(stranger, 'listening')
  const address = stranger.address()
  const taken = typeof address === 'object' && address !== null ? address.port : 0
  const bad = configuration('', `[{ address: unix:p.sock }, { address: 127.0.0.1:${taken} }]`)
  await assert.rejects(start(bad, '--takeover'), /is taken by another process/)
  stranger.close()
  await writeFile(join(folder, 'postern.yaml'), configuration())
  await load.more(200)
  const second = await start(configuration(), '--takeover')
  assert.equal(await first.gone(), 'code 0')
  await load.more(200)
  await load.stop()
  assert.deepEqual(load.failures, [])
  await second.stop()
})

test('certificates that are renewed afterwards are followed, whatever the port was called', async (t) => {
  const authority = await TestAuthority.make()
  t.after(() => authority.remove())
  authority.issue('shop', '/CN=first', ['DNS:shop.example'])
  authority.issue('next', '/CN=second', ['DNS:shop.example'])
  const { folder } = authority
  const { start } = await place(t)
  const tls = `{ certificates: [{ cert: ${folder}/shop.pem, key: ${folder}/shop.key }] }`
  const yaml = configuration('', `[{ address: 127.0.0.1:0, tls: ${tls} }]`)
  const first = await start(yaml)
  const second = await start(yaml, '--takeover')
  assert.equal(await first.gone(), 'code 0')
  for (const kind of ['key', 'pem']) await copyFile(join(folder, `next.${kind}`), join(folder, `shop.${kind}`))
  await second.waitForLine(({ msg }) => msg === 'revision applied', 'that the files have been read')
  const socket = connect({ port: second.port(), host: '127.0.0.1', servername: 'shop.example', ca: authority.ca })
  await once(socket, 'secureConnect')
  assert.equal(socket.getPeerCertificate().subject.CN, 'second')
  socket.destroy()
})
