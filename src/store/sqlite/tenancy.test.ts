/** tenancy: a store is served by one process, its successor waits for it, and whoever looks in disturbs nobody. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { tempFolder } from '../../../test/support/temp.ts'
import { takePlace } from './tenancy.ts'

const PROGRAM = new URL('./tenancy.ts', import.meta.url).href

async function store(t: TestContext): Promise<string> {
  const folder = await tempFolder()
  t.after(() => folder.remove())
  return join(folder.path, 'postern.db')
}

/** Another process that serves the store. */
async function other(t: TestContext, path: string) {
  const script = `import { takePlace } from ${JSON.stringify(PROGRAM)}
    globalThis.leave = takePlace(${JSON.stringify(path)}, 'alone')
    console.log('served')
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '--disable-warning=ExperimentalWarning', '-e', script])
  t.after(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  return child
}

test('a store that another process serves is not to be had, except to look in', async (t) => {
  const path = await store(t)
  const child = await other(t, path)
  assert.throws(() => takePlace(path, 'alone'), { name: 'StoreInUse', message: /is served by another process/ })
  takePlace(path, 'visitor')()
  child.kill('SIGKILL')
  await once(child, 'close')
  takePlace(path, 'alone')()
})

test('a successor has the place as soon as it is free, and keeps it', async (t) => {
  const path = await store(t)
  const child = await other(t, path)
  const leave = takePlace(path, 'successor')
  child.kill('SIGKILL')
  await once(child, 'close')
  // Somebody else may be quicker, but then gives it back at once.
  for (let taken = false; !taken;) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    try {
      takePlace(path, 'alone')()
    } catch {
      taken = true
    }
  }
  leave()
  takePlace(path, 'alone')()
})
