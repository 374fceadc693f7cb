/** Every way a file is replaced is seen, only changes are told, and a stopped watch is silent. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type WatchOptions, watchFile } from './watch.ts'

function start(t: TestContext, path: (folder: string) => string, options: Partial<WatchOptions> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'postern-watch-'))
  const texts: string[] = []
  let arrived = Promise.withResolvers<void>()
  // The watch itself keeps no process alive; the test has to.
  const alive = setInterval(() => {}, 1000)
  const changed = (text: string) => {
    texts.push(text)
    arrived.resolve()
  }
  const watch = watchFile(path(folder), changed, { text: 'one', settleMs: 5, pollMs: 20, ...options })
  t.after(() => {
    watch.stop()
    clearInterval(alive)
    rmSync(folder, { recursive: true, force: true })
  })
  const next = async (): Promise<string> => {
    await arrived.promise
    arrived = Promise.withResolvers()
    return texts.at(-1)!
  }
  return { folder, watch, texts, next }
}

const inFolder = (folder: string) => join(folder, 'postern.yaml')
const deep = (folder: string) => join(folder, 'later', 'postern.yaml')

test('writing in place, replacing by a rename, removing and coming back', async (t) => {
  const { folder, next, texts } = start(t, inFolder)
  writeFileSync(inFolder(folder), 'two')
  assert.equal(await next(), 'two')
  writeFileSync(join(folder, 'new'), 'three')
  renameSync(join(folder, 'new'), inFolder(folder))
  assert.equal(await next(), 'three')
  rmSync(inFolder(folder))
  writeFileSync(inFolder(folder), 'three')
  writeFileSync(inFolder(folder), 'four')
  assert.equal(await next(), 'four')
  assert.deepEqual(texts, ['two', 'three', 'four'])
})

test('a link whose target is exchanged, as mounted configuration is', async (t) => {
  const { folder, next } = start(t, inFolder)
  writeFileSync(join(folder, 'v1'), 'one')
  writeFileSync(join(folder, 'v2'), 'two')
  symlinkSync('v1', inFolder(folder))
  symlinkSync('v2', join(folder, 'next'))
  renameSync(join(folder, 'next'), inFolder(folder))
  assert.equal(await next(), 'two')
})

test('a file in a folder that did not exist', async (t) => {
  const { folder, next } = start(t, deep)
  writeFileSync(join(folder, 'made'), 'two')
  mkdirSync(join(folder, 'later'))
  renameSync(join(folder, 'made'), deep(folder))
  assert.equal(await next(), 'two')
})

test('the same text is not told, nor anything after stop', async (t) => {
  const { folder, next, texts, watch } = start(t, inFolder)
  writeFileSync(inFolder(folder), 'one')
  writeFileSync(join(folder, 'other'), 'x')
  writeFileSync(inFolder(folder), 'two')
  assert.equal(await next(), 'two')
  watch.stop()
  writeFileSync(inFolder(folder), 'three')
  const witness = start(t, () => inFolder(folder), { text: 'two' })
  assert.equal(await witness.next(), 'three')
  assert.deepEqual(texts, ['two'])
})
