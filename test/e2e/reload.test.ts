/** A configuration that changes while it is served: whole or not at all, and no request notices. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startPostern } from '../support/postern.ts'
import { RawClient } from '../../src/selftest/raw-client.ts'
import { RecordingUpstream } from '../../src/selftest/recording-upstream.ts'
import { Receiver } from './support/receiver.ts'

const receiver = await Receiver.start()
const tunnels = await RecordingUpstream.start()

/** The file of this test, in versions; `more` is further routes, indented by two. */
const configuration = (version: number, more = ''): string => `
listeners: [{ address: 127.0.0.1:0 }]
admin: { address: 127.0.0.1:0 }
threads: 1
services:
  up: { instances: [{ url: ${receiver.url}, weight: ${version + 1} }] }
  tunnels: { instances: [${tunnels.url}] }
policies: [{ headers: { response: { set: { X-Version: "${version}" } } } }]
routes:
  up: { match: /up/*, proxy: up }
  version: { match: /version, reply: { body: "${version}" } }
  limited: { match: /limited, policies: [{ rate-limit: { limit: 3, per: 1h, by: ip } }], reply: { body: ok } }
${more}`
const TUNNELS = '  tunnels: { match: /tunnels, proxy: tunnels }'

const postern = await startPostern(configuration(0))
const [gateway] = postern.gateway
after(async () => {
  await receiver.close()
  await tunnels.close()
  await postern.stop()
})

async function applied(yaml: string): Promise<number> {
  const verdict = await postern.reload(yaml)
  assert.equal(verdict['msg'], 'revision applied', JSON.stringify(verdict))
  return Number(verdict['revision'])
}

const text = async (path: string): Promise<string> => (await fetch(gateway + path)).text()

test('a changed file is served from the next request on, on kept connections too', async () => {
  const kept = await RawClient.connect(postern.port())
  const ask = async (): Promise<string> => {
    await kept.send('GET /version HTTP/1.1\r\nHost: a\r\n\r\n')
    return (await kept.response()).body.toString()
  }
  assert.equal(await ask(), '0')
  assert.equal(await applied(configuration(1)), 2)
  assert.deepEqual([await ask(), await text('/version')], ['1', '1'])
  assert.equal((await fetch(`${gateway}/new`)).status, 404)
  await applied(configuration(2, '  new: { match: /new, reply: { body: new } }'))
  assert.deepEqual([await ask(), await text('/new')], ['2', 'new'])
  await applied(configuration(3))
  assert.equal((await fetch(`${gateway}/new`)).status, 404)
  kept.close()
})

test('under load, revision after revision, no request fails and none sees half of one', async () => {
  // Every answer takes a moment, so that there are always requests under way when the revision changes.
  receiver.at('/up/load', () => new Promise((resolve) => setTimeout(resolve, 10, { body: 'ok' })))
  const [first, revisions] = [100, 20]
  const stop = new AbortController()
  let served = 0
  const versions = new Set<string>()
  const load = async (connection: string): Promise<void> => {
    while (!stop.signal.aborted) {
      const answer = await fetch(`${gateway}/up/load`, { headers: { Connection: connection } })
      assert.deepEqual([answer.status, await answer.text()], [200, 'ok'])
      versions.add(answer.headers.get('x-version')!)
      served++
    }
  }
  const clients = [
    ...Array.from({ length: 24 }, () => load('keep-alive')),
    ...Array.from({ length: 8 }, () => load('close')),
  ]
  try {
    for (let i = 0; i < revisions; i++) await applied(configuration(first + i))
  } finally {
    stop.abort()
  }
  await Promise.all(clients)
  assert.ok(served > 300, `${served} requests were served`)
  assert.ok(versions.size > revisions / 2, `they saw ${[...versions].join(', ')}`)
})

test('a file with faults changes nothing, and the log says where and what was probably meant', async () => {
  await applied(configuration(30))
  const before = await text('/version')
  const mistyped = configuration(31).replace('proxy: up', 'proxi: up')
  const unknown = await postern.reload(mistyped)
  assert.equal(unknown['msg'], 'revision refused')
  const [fault] = faultsOf(unknown)
  assert.deepEqual(
    [fault!['line'], fault!['path'], fault!['suggestion']],
    [lineOf(mistyped, 'proxi'), 'routes.up.proxi', 'proxy'],
  )
  assert.match(String(fault!['message']), /unknown key `proxi`/)

  const unfinished = configuration(32).replace('routes:', 'routes: [')
  const syntax = await postern.reload(unfinished)
  assert.equal(syntax['msg'], 'revision refused')
  assert.ok(Number(faultsOf(syntax)[0]!['line']) >= lineOf(unfinished, 'routes'))

  const empty = await postern.reload('')
  assert.equal(empty['msg'], 'revision refused')
  assert.equal(await text('/version'), before)
  await applied(configuration(33))
  assert.equal(await text('/version'), '33')
})

test('a WebSocket and a stream that began before a revision go on after it, even when their route is gone', async () => {
  await applied(configuration(40, TUNNELS))
  tunnels.script = {
    tunnel: true,
    answer: (socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
      socket.on('data', (bytes: Buffer) => socket.write(bytes.toString().toUpperCase()))
      socket.on('end', () => socket.end())
    },
  }
  const socket = await RawClient.connect(postern.port())
  await socket.send('GET /tunnels HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
  assert.equal((await socket.response()).status, 101)
  await socket.send('before')
  assert.equal(await socket.take(6), 'BEFORE')

  const pieces: ((piece: string) => void)[] = []
  tunnels.script = {
    answer: (upstream) => {
      upstream.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
      pieces.push((piece) => void upstream.write(`${piece.length.toString(16)}\r\n${piece}\r\n`))
    },
  }
  const stream = await fetch(`${gateway}/tunnels`)
  const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader()
  const [push] = pieces
  push!('one')
  assert.equal((await reader.read()).value, 'one')

  for (const version of [41, 42]) {
    await applied(configuration(version))
    assert.equal((await fetch(`${gateway}/tunnels`)).status, 404)
    await socket.send(`after ${version}`)
    assert.equal(await socket.take(8), `AFTER ${version}`)
    push!(`piece ${version}`)
    assert.equal((await reader.read()).value, `piece ${version}`)
  }
  push!('')
  assert.equal((await reader.read()).done, true)
  socket.close()
})

test('what a limit has counted is still counted after a revision', async () => {
  const status = async (): Promise<number> => (await fetch(`${gateway}/limited`)).status
  assert.deepEqual([await status(), await status()], [200, 200])
  await applied(configuration(50, '  more: { match: /more, reply: { body: more } }'))
  assert.deepEqual([await status(), await status()], [200, 429])
  await applied(configuration(51))
  assert.equal(await status(), 429)
  await applied(configuration(52).replace('policies: [{ headers', 'policies: [request-id, { headers'))
  assert.equal(await status(), 429, 'another global policy before it is not another limit')
})

const lineOf = (yaml: string, word: string): number => yaml.split('\n').findIndex((line) => line.includes(word)) + 1

function faultsOf(line: Readonly<Record<string, unknown>>): Record<string, unknown>[] {
  assert.ok(Array.isArray(line['faults']))
  return line['faults']
}
