/** CPU time is read from the operating system, children and threads included. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { cpuMicros, parseStat, residentBytes } from './accounting.ts'

test('parent and CPU time are found after a command that has spaces and parentheses', () => {
  const line = '42 (a (b) c) S 7 42 42 0 -1 4194560 1 2 3 4 150 50 20 5 20 0 11 0 100 1000 200'
  assert.deepEqual(parseStat(line), { parent: 7, cpuMicros: 2_250_000 })
})

test('a child’s CPU time and memory are counted with its ancestor', async () => {
  // The shell waits for a Node process that has burnt 200 ms of CPU before it says so.
  const burn = 'while (process.cpuUsage().user < 200000); console.log("burnt"); setInterval(() => {}, 1000)'
  const shell = spawn('sh', ['-c', '"$0" -e "$1"; true', process.execPath, burn], { detached: true })
  try {
    await once(shell.stdout, 'data')
    assert.ok(cpuMicros([shell.pid!]) >= 150_000)
    assert.ok(residentBytes([shell.pid!]) > 10 * 1024 * 1024)
    assert.equal(cpuMicros([]), 0)
  } finally {
    process.kill(-shell.pid!, 'SIGKILL')
    await once(shell, 'close')
  }
})
