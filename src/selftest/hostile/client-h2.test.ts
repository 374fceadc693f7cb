/** An attack over HTTP/2 finds fault where there is fault: answers of others, on good streams and on edited ones; and none where all is well. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { END_HEADERS, END_STREAM, RawH2, TYPE, frame } from '../raw-h2.ts'
import { targetOf } from '../target.ts'
import { attackH2 } from './client-h2.ts'
import { type Plan, planOf } from './plan.ts'
import { Watch } from './watch.ts'

const STATUS_200 = Buffer.from([0x88])

/** Attacks a server that answers each head with what `answer` makes of the target in it; what was found. */
async function attacked(answer: (target: string) => string): Promise<string[]> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    const peer = RawH2.accept(socket)
    peer.onFrame = ({ type, id, payload }) => {
      const target = /\/p\/h\/[0-9a-z]+\/[a-z-]+/.exec(payload.toString('latin1'))?.[0]
      if (type !== TYPE.HEADERS || target === undefined) return
      peer.send(frame(TYPE.HEADERS, END_HEADERS, id, STATUS_200), frame(TYPE.DATA, END_STREAM, id, answer(target)))
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const target = targetOf(`http://127.0.0.1:${address.port}/p/`)
  const watch = new Watch('7', true)
  const over = new AbortController()
  // Those whose head comes whole and unpadded: the server above reads no other.
  const plans = Array.from({ length: 200 }, (_, i) => planOf('7', 4 * i + 3, target)).filter(isSimple)
  assert.ok(plans.length > 10)
  for (const running of plans.map((plan) => watch.begin(plan)))
    await attackH2(target, running, running.plan.frames!, watch, over.signal)
  await new Promise((resolve) => server.close(resolve))
  return watch.findings.map(({ what }) => what)
}

function isSimple({ edited, frames, leaves }: Plan): boolean {
  const isWhole = (at: number): boolean => {
    if (frames === null || at >= frames.bytes.length) return frames !== null
    const isSplit = frames.bytes[at + 3] === TYPE.HEADERS && (frames.bytes[at + 4]! & END_HEADERS) === 0
    return !isSplit && isWhole(at + 9 + frames.bytes.readUIntBE(at, 3))
  }
  return !edited && leaves === 'when answered' && isWhole(0)
}

test('a server that answers each with its own is not blamed', async () => {
  assert.deepEqual(await attacked((target) => target), [])
})

test('one that gives an answer to whoever comes next is', async () => {
  let before = ''
  const found = await attacked((target) => {
    const answer = before
    before = target
    return answer
  })
  assert.ok(
    found.some((what) => what.startsWith('it was given what belongs to ')),
    found.join('\n'),
  )
  assert.ok(found.includes('a good stream was given an answer that is not its own'), found.join('\n'))
})

test('the same seed is the same attack', () => {
  const place = { host: 'a', path: '' }
  const [one, other] = [planOf('1', 3, place), planOf('1', 3, place)]
  assert.ok(one.frames !== null && other.frames !== null && one.frames.bytes.equals(other.frames.bytes))
  assert.equal(planOf('1', 2, place).frames, null)
})
