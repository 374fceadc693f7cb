/** `Expect: 100-continue` (RFC 9110 §10.1.1): said once, whoever says it; what else is expected cannot be met. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { valuesOf } from '../../src/selftest/raw-message.ts'
import { type Script, ok } from '../../src/selftest/recording-upstream.ts'
import { sawExactly } from './forwarded.ts'
import { crlf } from '../../src/selftest/notation.ts'
import { fields } from '../../src/selftest/corpus/fields.ts'
import { HERE, requests } from './corpus.ts'
import { type Expected, Rig } from './rig.ts'

const rig = await Rig.start({ routes: '  reply: { match: { path: /reply }, reply: { body: hi } }' })
const OK = { reason: 'ok', status: 200 }
const HEAD = crlf('POST /a HTTP/1.1⏎Host: a⏎Expect: 100-continue⏎Content-Length: 5⏎⏎')

/** Says 100 this often at the head, and answers when the request is complete. */
function saysContinue(times: number): Script {
  return {
    on: 'head',
    answer: (socket) => {
      socket.write('HTTP/1.1 100 Continue\r\n\r\n'.repeat(times))
      const complete = rig.upstream.requests.length + 1
      void rig.upstream
        .untilRequests(complete)
        .then(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone'))
    },
  }
}

/** Ends a row in which exactly one whole request reached the upstream. */
async function oneUpstream(row: string, records: readonly Expected[], start = 'POST /a HTTP/1.1'): Promise<void> {
  const { requests: whole, partial } = await rig.settle(row, records)
  assert.deepEqual([whole.length, partial], [1, []])
  sawExactly(whole[0]!, { start, body: 'hello' })
}

for (const [name, script] of [
  ['an upstream that says 100', saysContinue(1)],
  ['an upstream that says 100 three times', saysContinue(3)],
  ['an upstream that knows nothing of it', ok('done')],
] as const) {
  test(`a client that waits, ${name}: told once to go on`, async () => {
    rig.upstream.script = script
    const client = await rig.connect()
    await client.send(HEAD)
    assert.equal((await client.response()).status, 100)
    await client.send('hello')
    const answer = await client.response()
    assert.deepEqual([answer.status, answer.body.toString()], [200, 'done'])
    assert.equal(client.rest, '')
    client.close()
    await oneUpstream(name, [OK])
  })
}

for (const [name, script] of [
  ['an upstream that says 100', saysContinue(1)],
  ['an upstream that knows nothing of it', ok('done')],
] as const) {
  test(`a client that does not wait, ${name}: told at most once`, async () => {
    rig.upstream.script = script
    const client = await rig.connect()
    await client.send(HEAD + 'hello')
    let answer = await client.response()
    if (answer.status === 100) answer = await client.response()
    assert.deepEqual([answer.status, answer.body.toString()], [200, 'done'])
    client.close()
    await oneUpstream(`early body, ${name}`, [OK])
  })
}

test('an answer instead of 100: passed on, and the connection ends, for the body may come or not', async () => {
  rig.upstream.script = { on: 'head', answer: crlf('HTTP/1.1 401 Unauthorized⏎Content-Length: 2⏎⏎no') }
  const client = await rig.connect()
  await client.send(HEAD)
  const answer = await client.response()
  assert.deepEqual([answer.status, answer.body.toString()], [401, 'no'])
  assert.deepEqual(valuesOf(answer, 'connection'), ['close'])
  assert.equal((await client.closed()).rest, '')
  client.close()
  const { requests: whole, partial } = await rig.settle('an answer instead', [{ reason: 'ok', status: 401 }])
  assert.deepEqual(whole, [])
  await rig.upstream.until(
    () => (partial.some(({ over }) => over === 'no') ? undefined : true),
    'the end of the request',
  )
})

test('an answer of our own needs no 100', async () => {
  const client = await rig.connect()
  await client.send(HEAD.replace('/a', '/reply'))
  const answer = await client.response()
  assert.deepEqual([answer.status, answer.body.toString()], [200, 'hi'])
  assert.equal((await client.closed()).rest, '')
  client.close()
  assert.deepEqual(await rig.settle('our own', [{ reason: 'reply', status: 200 }]), { requests: [], partial: [] })
})

test('in capitals', async () => {
  rig.upstream.script = saysContinue(1)
  const client = await rig.connect()
  await client.send(HEAD.replace('Expect: 100-continue', 'EXPECT: 100-Continue'))
  assert.equal((await client.response()).status, 100)
  await client.send('hello')
  assert.equal((await client.response()).status, 200)
  client.close()
  await oneUpstream('in capitals', [OK])
})

test('HTTP/1.0 knows no interim answers', async () => {
  rig.upstream.script = saysContinue(1)
  const client = await rig.connect()
  await client.send(HEAD.replace('HTTP/1.1', 'HTTP/1.0') + 'hello')
  assert.equal((await client.response()).status, 200)
  client.close()
  await oneUpstream('HTTP/1.0', [OK])
})

test('without a body there is nothing to wait for', async () => {
  rig.upstream.script = ok('done')
  const client = await rig.connect()
  await client.send(crlf('GET /a HTTP/1.1⏎Host: a⏎Expect: 100-continue⏎⏎'))
  assert.equal((await client.response()).status, 200)
  client.close()
  const { requests: whole } = await rig.settle('without a body', [OK])
  assert.deepEqual(valuesOf(whole[0]!, 'expect'), [])
})

requests(
  rig,
  fields(HERE).filter(({ id }) => id === 'F11'),
)

rig.checkRecords()
