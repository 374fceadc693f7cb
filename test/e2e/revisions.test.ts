/** The configuration over the admin API: compare-and-set, faults, history, and which revision a restart serves. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startPostern } from '../support/postern.ts'
import { tempFolder } from '../support/temp.ts'
import { Admin } from './support/admin.ts'

const configuration = (version: string): string => `
listeners: [{ address: 127.0.0.1:0 }]
admin: { address: 127.0.0.1:0 }
threads: 1
routes:
  version: { match: /version, reply: { body: ${version} } }
`
const folder = await tempFolder()
let postern = await startPostern(configuration('first'), { folder: folder.path })
let admin = await Admin.of(postern)
after(async () => {
  await postern.stop()
  await folder.remove()
})

const version = async (): Promise<string> => (await fetch(`${postern.gateway[0]}/version`)).text()
const put = (text: string, ifMatch?: string): Promise<Response> =>
  admin.fetch('/admin/v1/config', {
    method: 'PUT',
    body: text,
    headers: ifMatch === undefined ? {} : { 'If-Match': ifMatch },
  })

async function history(): Promise<string[]> {
  const answer = await admin.fetch('/admin/v1/revisions')
  const { data } = JSON.parse(await answer.text())
  return data.map(
    (one: Record<string, string>) => `${one['number']} ${one['origin']} ${/body: (\w+)/.exec(one['text']!)![1]}`,
  )
}

async function restart(yaml: string): Promise<void> {
  await postern.stop()
  postern = await startPostern(yaml, { folder: folder.path })
  admin = admin.at(postern)
}

test('a revision is read with its tag, and replaced only if it is still the one that was read', async () => {
  const read = await admin.fetch('/admin/v1/config')
  assert.deepEqual([read.status, read.headers.get('etag'), await read.text()], [200, '"1"', configuration('first')])
  const replaced = await put(configuration('second'), '"1"')
  assert.deepEqual([replaced.status, replaced.headers.get('etag'), await version()], [200, '"2"', 'second'])

  const late = await put(configuration('third'), '"1"')
  const problem = JSON.parse(await late.text())
  assert.deepEqual([late.status, problem.code, problem.current], [412, 'revision-mismatch', 2])
  assert.equal(await version(), 'second')
  assert.equal((await put(configuration('third'))).status, 200)
  assert.equal(await version(), 'third')
})

test('of two who change the same revision at once, one is refused', async () => {
  const tag = (await admin.fetch('/admin/v1/config')).headers.get('etag')!
  const answers = await Promise.all(['left', 'right'].map((body) => put(configuration(body), tag)))
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200, 412]))
})

test('an invalid configuration is refused with its faults, and changes nothing', async () => {
  const [before, revisions] = [await version(), await history()]
  const answer = await put(configuration('wrong').replace('match:', 'mach:'))
  const problem = JSON.parse(await answer.text())
  assert.deepEqual([answer.status, problem.code], [422, 'config-invalid'])
  const fault = problem.faults.find((one: Record<string, unknown>) => one['suggestion'] !== undefined)
  assert.deepEqual([fault.line, fault.path, fault.suggestion], [6, 'routes.version.mach', 'match'])
  assert.deepEqual([await version(), await history()], [before, revisions])
})

test('the history has every revision, where it came from, newest first', async () => {
  assert.equal((await postern.reload(configuration('from_file')))['msg'], 'revision applied')
  const [newest, ...older] = await history()
  assert.match(newest!, /^\d+ file from_file$/)
  assert.equal(older.at(-1), '1 file first')
  assert.equal(older.at(-2), '2 api second')
  assert.equal(await version(), 'from_file')
})

test('after a restart the newest revision is served; a file that has changed meanwhile is newer', async () => {
  assert.equal((await put(configuration('from_api'))).status, 200)
  await restart(configuration('from_file'))
  assert.equal(await version(), 'from_api')
  await restart(configuration('edited'))
  assert.equal(await version(), 'edited')
  assert.match((await history())[0]!, /^\d+ file edited$/)
})

test('a file that cannot be served ends the start, and says why', async () => {
  await postern.stop()
  await assert.rejects(startPostern('routes: { a: { mach: / } }', { folder: folder.path }), (error: Error) => {
    assert.match(error.message, /unknown key `mach`/)
    return true
  })
  postern = await startPostern(configuration('again'), { folder: folder.path })
  assert.equal(await version(), 'again')
})

test('a stored revision whose variable is gone gives way to the file, which is then what is shown', async () => {
  await postern.stop()
  postern = await startPostern(configuration('file'), { folder: folder.path, env: { WORD: 'from_variable' } })
  admin = admin.at(postern)
  assert.equal((await put(configuration('"${WORD}"'))).status, 200)
  assert.equal(await version(), 'from_variable')
  await restart(configuration('file'))
  const line = await postern.waitForLine(({ level }) => level === 'error', 'it says so')
  assert.match(String(line['msg']), /can no longer be served/)
  assert.match(JSON.stringify(line['faults']), /WORD/)
  assert.equal(await version(), 'file')
  assert.equal(await (await admin.fetch('/admin/v1/config')).text(), configuration('file'))
})
