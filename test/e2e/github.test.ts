/** GitHub's webhooks: every payload it has published, signed by its own library, delivered so that the library verifies it again. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import { after, test } from 'node:test'
import { sign, verify } from '@octokit/webhooks-methods'
import { startPostern } from '../support/postern.ts'
import { Admin } from './support/admin.ts'
import { Receiver } from './support/receiver.ts'

interface Definition {
  readonly name: string
  readonly examples: readonly { readonly action?: unknown }[]
}
const definitions: readonly Definition[] = createRequire(import.meta.url)('@octokit/webhooks-examples')

const SECRET = "It's a Secret to Everybody"
const receiver = await Receiver.start()
const postern = await startPostern(`
listeners: [{ address: 127.0.0.1:0 }]
admin: { address: 127.0.0.1:0 }
threads: 1
services:
  builds: { instances: [${receiver.url}] }
routes:
  github: { match: { path: /hooks/github, methods: [POST] }, ingest: github }
sources:
  github:
    provider: github
    secrets: ["${SECRET}"]
    deliver:
      - { service: builds, path: /all }
      - { service: builds, path: /opened, events: [issues.opened, pull_request.opened] }
`)
const admin = await Admin.of(postern)
after(async () => {
  await receiver.close()
  await postern.stop()
})

interface Hook {
  readonly event: string
  readonly body: string
  readonly signature: string
  readonly id: string
}

async function send({ event, body, signature, id }: Hook) {
  const headers = {
    'Content-Type': 'application/json',
    'X-GitHub-Event': event,
    'X-GitHub-Delivery': id,
    'X-Hub-Signature-256': signature,
  }
  const answer = await fetch(`${postern.gateway[0]}/hooks/github`, { method: 'POST', headers, body })
  return { status: answer.status, body: JSON.parse(await answer.text()) }
}

test('every published example is accepted, and arrives as it was signed', async () => {
  const sent = new Map<string, Hook>()
  for (const { name, examples } of definitions) {
    for (const example of examples) {
      const body = JSON.stringify(example)
      const hook = { event: name, body, signature: await sign(SECRET, body), id: randomUUID() }
      sent.set(hook.id, hook)
    }
  }
  const waiting = [...sent.values()]
  const sender = async (): Promise<void> => {
    for (let hook = waiting.pop(); hook !== undefined; hook = waiting.pop()) {
      assert.equal((await send(hook)).status, 200, hook.event)
    }
  }
  await Promise.all(Array.from({ length: 8 }, sender))

  const taken = await receiver.at('/all').until(sent.size)
  assert.equal(taken.length, sent.size)
  for (const { headers, body } of taken) {
    const hook = sent.get(String(headers['x-github-delivery']))!
    assert.equal(body.toString(), hook.body)
    assert.equal(headers['x-github-event'], hook.event)
    assert.equal(await verify(SECRET, body.toString(), String(headers['x-hub-signature-256'])), true)
  }

  const kindOf = (event: unknown, body: string): string => `${String(event)}.${JSON.parse(body).action}`
  const wanted = [...sent.values()]
    .map(({ event, body }) => kindOf(event, body))
    .filter((kind) => kind === 'issues.opened' || kind === 'pull_request.opened')
  const opened = await receiver.at('/opened').until(wanted.length)
  const kinds = opened.map(({ headers, body }) => kindOf(headers['x-github-event'], body.toString()))
  assert.deepEqual(kinds.toSorted(), wanted.toSorted())
})

test('an altered body is refused and not stored; the same delivery, intact, is accepted, and a second time known', async () => {
  const before = await admin.stats()
  const hook = {
    event: 'push',
    body: '{"ref":"main"}',
    signature: await sign(SECRET, '{"ref":"main"}'),
    id: randomUUID(),
  }
  const altered = await send({ ...hook, body: '{"ref":"evil"}' })
  assert.deepEqual([altered.status, altered.body.code], [401, 'signature-invalid'])
  assert.equal((await admin.stats()).messages, before.messages)

  const first = await send(hook)
  assert.deepEqual([first.status, first.body.duplicate], [200, undefined])
  assert.deepEqual(await send(hook), { status: 200, body: { id: first.body.id, duplicate: true } })
  await admin.settled(first.body.id, 'delivered')
})
