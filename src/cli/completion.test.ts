/** Tests of the completion scripts: that they name everything, and in bash that they complete. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { cli } from './test-host.ts'

/** What bash offers for these words, the last being the one under the cursor. */
async function complete(...words: string[]): Promise<string[]> {
  const { out } = await cli(['completion', 'bash'])
  const line = words.map((word) => `'${word}'`).join(' ')
  const ask = `COMP_WORDS=(postern ${line}); COMP_CWORD=${words.length}; _postern; printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout } = await promisify(execFile)('bash', ['-euc', `${out}\n${ask}`])
  return stdout.split('\n').filter((word) => word !== '')
}

test('bash completes verbs and options', async () => {
  assert.deepEqual(await complete('po'), ['policies'])
  assert.deepEqual(await complete('t'), ['token', 'tail'])
  assert.deepEqual(await complete('check', '--'), ['--json', '--help'])
  assert.ok((await complete('send', '--s')).includes('--sign'))
})

for (const shell of ['zsh', 'fish']) {
  test(`${shell} is told of every verb`, async () => {
    const { out } = await cli(['completion', shell])
    for (const verb of [
      'demo',
      'run',
      'check',
      'explain',
      'token',
      'send',
      'tail',
      'policies',
      'providers',
      'selftest',
    ])
      assert.match(out, new RegExp(`\\b${verb}\\b`))
    assert.equal(out.split("'").length % 2, 1, 'every quote is closed')
  })
}

test('a shell that is not known', async () => {
  const { code, err } = await cli(['completion', 'tcsh'])
  assert.equal(code, 1)
  assert.match(err, /no script for tcsh; there are bash, zsh, fish/)
})
