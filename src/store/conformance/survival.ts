/** Conformance: what was acknowledged is there after the process that stored it was killed. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { describe, test } from 'node:test'
import { newId } from '../../base/ids.ts'
import { SILENT_MS, START, newMessage, openFresh, settlement } from './subject.ts'
import type { OpenedStore, Subject } from './subject.ts'

const ROUNDS = 3
const LINES_A_ROUND = 200

export function survivalConforms(subject: Subject): void {
  describe('survival', () => {
    test('an orderly stop keeps everything that was called before it', async (t) => {
      const location = await subject.create(t)
      const first = await subject.open(location)
      const sent = Array.from({ length: 50 }, () => newMessage({ leased: true }))
      const store = first.client()
      const calls = sent.map((one) => store.append('engine', [one]))
      await first.close()
      await Promise.all(calls)
      await assert.rejects(store.stats())
      const second = await subject.open(location)
      t.after(() => second.close())
      const { messages, deliveries } = await second.client().stats()
      assert.deepEqual([messages, deliveries.delivering], [50, 50])
    })

    test('nothing that was acknowledged is lost to kill -9, and nothing stays leased to the dead', async (t) => {
      const location = await subject.create(t)
      const appended = new Set<string>()
      const settled = new Set<string>()
      for (let round = 1; round <= ROUNDS; round++) {
        await appendUntilKilled(subject, location, (word, id) => (word === 'appended' ? appended : settled).add(id))
        const opened = await subject.open(location)
        const store = opened.client()
        for (const id of appended) assert.notEqual(await store.getMessage(null, id), null, `${id} of round ${round}`)
        for (const id of settled) assert.notEqual(await store.getAttempt(id), null, `${id} of round ${round}`)
        const { messages, deliveries } = await store.stats()
        assert.ok(messages >= appended.size)
        assert.equal(await store.reclaim(START, SILENT_MS), deliveries.delivering)
        assert.equal((await store.stats()).deliveries.delivering, 0)
        assert.equal((await store.listMessages({ consumerId: 'app_1', limit: messages + 1 })).length, messages)
        await opened.close()
      }
      assert.ok(settled.size > 0)
    })

    test('a closed client lets go; the others go on', async (t) => {
      const opened = await openFresh(subject, t)
      const [one, other] = [opened.client(), opened.client()]
      const sent = newMessage()
      const appended = one.append('engine', [sent])
      await one.close()
      assert.deepEqual(await appended, [{ stored: true }])
      await assert.rejects(one.stats())
      assert.deepEqual(await other.getMessage(null, sent.message.id), sent.message)
    })
  })
}

/** Starts a child that appends and settles for ever, hears what it was told is stored, kills it in the middle of that. */
async function appendUntilKilled(
  subject: Subject,
  location: string,
  told: (word: string, id: string) => void,
): Promise<void> {
  const { module, name } = subject.opener
  const program = `
    const { ${name}: open } = await import(${JSON.stringify(module.href)})
    const { appendForever } = await import(${JSON.stringify(import.meta.url)})
    await appendForever(await open(${JSON.stringify(location)}))`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let lines = 0
  for await (const line of createInterface(child.stdout)) {
    const [word, id] = line.split(' ')
    told(word!, id!)
    if (++lines === LINES_A_ROUND) child.kill('SIGKILL')
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  assert.equal(child.signalCode, 'SIGKILL')
}

/** The child's part: eight callers at once; says on stdout what the store has acknowledged. */
export async function appendForever(opened: OpenedStore): Promise<never> {
  const store = opened.client()
  const caller = async (): Promise<never> => {
    for (;;) {
      const sent = newMessage({ leased: true, payload: Buffer.alloc(600, 'x'), id: newId('msg_', Date.now()) })
      await store.append('doomed', [sent])
      process.stdout.write(`appended ${sent.message.id}\n`)
      const end = settlement(sent, 'delivered')
      await store.settle('doomed', [end])
      process.stdout.write(`settled ${end.attempt.id}\n`)
    }
  }
  return Promise.race(Array.from({ length: 8 }, caller))
}
