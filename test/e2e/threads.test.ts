/** Several engines are one gateway: what they count is exact, what they are told they all know, what they deliver is delivered once. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { RawClient } from '../../src/selftest/raw-client.ts'
import { startPostern } from '../support/postern.ts'
import { Admin, eventually } from './support/admin.ts'
import { Partners } from './support/partners.ts'
import { Receiver } from './support/receiver.ts'

const receiver = await Receiver.start()
const configuration = (version: number): string => `
listeners: [{ address: 127.0.0.1:0 }]
admin: { address: 127.0.0.1:0 }
threads: 2
engine-heap-max: 100MB
access-log: off
egress: { allow: [127.0.0.0/8] }
services:
  up: ${receiver.url}
routes:
  up: { match: /up, proxy: up }
  version: { match: /version, reply: { body: "${version}" } }
  limited: { match: /limited, policies: [{ rate-limit: { limit: 100, per: 1h, by: ip } }], reply: { body: ok } }
`
/** Runs in every engine: it fails when there is a file `crash`, runs out of memory when there is `exhaust`, and does not even start when there is a file `refuse`. */
const fragile = `
import { isMainThread, workerData } from 'node:worker_threads'
import { rmSync } from 'node:fs'
const asked = (file) => { try { rmSync(file); return true } catch { return false } }
if (!isMainThread && workerData?.lessee !== undefined) {
  if (asked('refuse')) throw new Error('refused to start')
  setInterval(() => {
    if (asked('crash')) throw new Error('crashed')
    const kept = []
    if (asked('exhaust')) for (;;) kept.push(Array.from({ length: 1000 }, (_, i) => [i]))
  }, 50).unref()
}`
const postern = await startPostern(configuration(1), {
  env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(fragile)}` },
})
const admin = await Admin.of(postern)
const partners = new Partners(admin, receiver)
after(async () => {
  await receiver.close()
  await postern.stop()
})

/** So many requests at once, each on a connection of its own: the system spreads new connections over the engines. */
const atOnce = <T>(count: number, ask: (n: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, n) => ask(n)))

async function get(path: string): Promise<{ status: number; text: string }> {
  const answer = await fetch(postern.gateway[0] + path, { headers: { Connection: 'close' } })
  return { status: answer.status, text: await answer.text() }
}

async function metric(sample: string): Promise<number> {
  const lines = (await (await fetch(`${postern.admin}/metrics`)).text()).split('\n')
  return Number(lines.find((line) => line.startsWith(`${sample} `))?.slice(sample.length + 1) ?? 0)
}

test('every engine serves', async () => {
  const ready = await postern.waitForLine(({ msg }) => msg === 'ready', 'it is ready')
  assert.equal(ready['threads'], 2)
  const answers = await atOnce(100, () => get('/up'))
  assert.ok(answers.every(({ status }) => status === 200))
  assert.equal(receiver.at('/up').taken.length, 100)
})

test('a limit is exact however the requests are spread: of 400 at once 100 are served', async () => {
  const answers = await atOnce(400, () => get('/limited'))
  const statuses = Object.groupBy(answers, ({ status }) => String(status))
  assert.deepEqual([statuses['200']?.length, statuses['429']?.length], [100, 300])
})

test('metrics are the sum of all engines', async () => {
  const before = await metric('postern_requests_total{route="version",class="2xx"}')
  await atOnce(150, () => get('/version'))
  assert.equal(await metric('postern_requests_total{route="version",class="2xx"}'), before + 150)
  assert.equal(await metric('postern_request_duration_seconds_count{route="version"}'), before + 150)
  const listener = new URL(postern.admin).host
  assert.ok((await metric(`postern_connections{listener="${listener}"}`)) >= 1)
})

test('an endpoint is known to every engine when its making is answered, and each event is delivered once', async () => {
  const { name, inbox } = await partners.next()
  const delivered = await metric('postern_webhooks_total{event="delivered"}')
  const answers = await atOnce(200, async (n) => {
    const answer = await admin.fetch(`/api/v1/app/${name}/msg`, {
      method: 'POST',
      headers: { Connection: 'close' },
      body: JSON.stringify({ eventType: 'order.paid', payload: { n } }),
    })
    return { status: answer.status, id: JSON.parse(await answer.text()).id }
  })
  assert.ok(answers.every(({ status }) => status === 202))
  await inbox.until(200)
  await eventually(
    () => admin.stats(),
    ({ deliveries }) => deliveries['delivered'] === 200,
    'every delivery is recorded',
  )
  const ids = inbox.taken.map(({ headers }) => String(headers['webhook-id']))
  assert.deepEqual(new Set(ids), new Set(answers.map(({ id }) => id)))
  assert.equal(ids.length, 200)
  assert.equal(await metric('postern_webhooks_total{event="delivered"}'), delivered + 200)
})

test('what is disabled or deleted is so for every engine', async () => {
  const { name, inbox, endpointId } = await partners.next()
  await admin.svix.endpoint.patch(name, endpointId, { disabled: true })
  await atOnce(20, (n) => partners.publish(name, { n }))
  await admin.svix.endpoint.patch(name, endpointId, { disabled: false })
  await atOnce(20, () => partners.publish(name, { n: 'enabled' }))
  await inbox.until(20)
  assert.deepEqual(new Set(inbox.taken.map(({ body }) => body.toString())), new Set(['{"n":"enabled"}']))
})

test('a revision is in force in every engine when it is said to be applied', async () => {
  assert.equal((await postern.reload(configuration(2)))['msg'], 'revision applied')
  const answers = await atOnce(50, () => get('/version'))
  assert.deepEqual(new Set(answers.map(({ text }) => text)), new Set(['2']))
})

test('an address that somebody else has is noticed, though engines share theirs', async () => {
  const { port } = new URL(postern.gateway[0]!)
  const second = configuration(1).replace(
    'listeners: [{ address: 127.0.0.1:0 }]',
    `listeners: [{ address: 127.0.0.1:${port} }]`,
  )
  await assert.rejects(startPostern(second), new RegExp(`127\\.0\\.0\\.1:${port} is taken by another process`))
})

test('an engine that ends is replaced, at the second try too, and its replacement knows what happened meanwhile', async () => {
  for (const file of ['refuse', 'crash']) await writeFile(join(postern.folder, file), '')
  await postern.waitForLine(({ msg }) => String(msg).includes('could not be replaced'), 'the first try fails')
  assert.equal((await postern.reload(configuration(3)))['msg'], 'revision applied')
  const { name, inbox } = await partners.next()
  await postern.waitForLine(({ msg }) => msg === 'an engine was replaced', 'the second try succeeds')

  const answers = await atOnce(50, () => get('/version'))
  assert.deepEqual(new Set(answers.map(({ text }) => text)), new Set(['3']))
  await atOnce(50, (n) => partners.publish(name, { n }))
  await inbox.until(50)
})

test('an engine that runs out of memory ends alone: the others serve, the log says why, counters go on, and it is replaced', async () => {
  await atOnce(50, () => get('/version'))
  const sample = 'postern_requests_total{route="version",class="2xx"}'
  // Asked once a second; then whatever has been counted so far is known outside the engines.
  const before = await metric(sample)
  const replaced = new Set(postern.lines.filter(({ msg }) => msg === 'an engine was replaced'))
  await writeFile(join(postern.folder, 'exhaust'), '')
  const failed = await postern.waitForLine(
    (line) => line['msg'] === 'an engine failed' && JSON.stringify(line).includes('MEMORY'),
    'the cause in the log',
    60_000,
  )
  assert.equal(failed['level'], 'error')
  assert.equal((await get('/version')).status, 200)
  await postern.waitForLine(
    (line) => line['msg'] === 'an engine was replaced' && !replaced.has(line),
    'its replacement',
  )
  assert.equal(await metric(sample), before + 1)
})

test('new connections are spread over the engines', async () => {
  const clients = await atOnce(200, () => RawClient.connect(postern.port()))
  const engines = await eventually(
    () => admin.fetch('/metrics').then((answer) => answer.text()),
    (text) => sumOf(text) >= 200,
    'every connection is counted',
  )
  const counts = [...engines.matchAll(/^postern_engine_connections\{engine="\d"\} (\d+)$/gm)].map(([, n]) => Number(n))
  assert.equal(counts.length, 2)
  // By a hash of the addresses: with 200, fewer than 50 at either would be seen once in 10^12 times.
  assert.ok(Math.min(...counts) >= 50, String(counts))
  for (const client of clients) client.close()
})

const sumOf = (text: string): number =>
  [...text.matchAll(/^postern_engine_connections\{.*\} (\d+)$/gm)].reduce((sum, [, n]) => sum + Number(n), 0)
