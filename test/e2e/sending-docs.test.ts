/** docs/sending.md: its commands do what it says, one after another in one shell; its configuration is taken. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { parseConfig } from '../../src/config/load.ts'
import { closedPort } from './support/receiver.ts'
import { tempFolder } from '../support/temp.ts'

const ROOT = join(import.meta.dirname, '../..')
const page = await readFile(join(ROOT, 'docs/sending.md'), 'utf8')
const blocks = (language: string): string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map(([, text]) => text!)

test('the commands take a newcomer to a webhook that is verified, retried and replayed', async (t) => {
  const folder = await tempFolder()
  t.after(() => folder.remove())
  const [admin, receiver, gateway] = [await closedPort(), await closedPort(), await closedPort()]
  const command = join(folder.path, 'postern')
  await writeFile(command, `#!/bin/sh\nexec "${process.execPath}" "${join(ROOT, 'src/main.ts')}" "$@"\n`)
  await chmod(command, 0o755)
  await symlink(join(ROOT, 'node_modules'), join(folder.path, 'node_modules'))
  const script = blocks('sh')
    .join('\n')
    .replaceAll('8081', String(admin))
    .replaceAll('9005', String(receiver))
    .replace('admin: {', `listeners: [{ address: 127.0.0.1:${gateway} }]\nadmin: {`)
  const env = { ...process.env, PATH: `${folder.path}:${join(process.execPath, '..')}:${process.env['PATH']}` }
  const whole = `set -eu\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n${script}`
  const { stdout } = await promisify(execFile)('bash', ['-c', whole], { cwd: folder.path, env, timeout: 60_000 })
  const received = (await readFile(join(folder.path, 'received.log'), 'utf8')).trim().split('\n')
  assert.deepEqual(
    received.map((line) => line.split(' ')[0]),
    ['503', '204', '204'],
  )
  assert.equal(new Set(received.map((line) => line.split(' ')[1])).size, 1)
  assert.match(stdout, /"eventId":"order-7"/)
  assert.match(stdout, /"responseStatusCode":503/)
})

for (const yaml of blocks('yaml'))
  test(`the example is taken: ${yaml.split('\n')[0]}`, () => {
    const result = parseConfig(yaml, { env: {}, baseDir: '/', policies: [], providers: [], cpus: 1 })
    assert.deepEqual(result.ok ? [] : result.faults, [])
  })
