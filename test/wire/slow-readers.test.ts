/** Many who read slowly cost little each: what they have not taken stays with the upstream, not in the gateway (S7). */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { crlf } from '../../src/selftest/notation.ts'
import type { RawClient } from '../../src/selftest/raw-client.ts'
import type { Script } from '../../src/selftest/recording-upstream.ts'
import { Rig } from './rig.ts'

const rig = await Rig.start()
const CROWD = 200
const ANSWER_BYTES = 1_000_000_000
const PIECE = Buffer.alloc(256 * 1_024, 'x')
/**
 * One read of an upstream waits for each (64 KiB), as a rule less: 26 KiB were measured. A busy machine collects its garbage later (193
 * KiB were seen); a gateway that holds what is not taken has megabytes for each.
 */
const EACH_BYTES_MAX = 512 * 1_024

async function residentBytes(): Promise<number> {
  const status = await readFile(`/proc/${rig.postern.pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) * 1_024
}

/** Sends these bytes as long as they are taken. */
const flood: Script = {
  answer: (socket) => {
    const fill = (): void => {
      while (!socket.destroyed && socket.write(PIECE));
    }
    socket.on('error', () => {}).on('drain', fill)
    socket.write(crlf(`HTTP/1.1 200 OK⏎Content-Length: ${ANSWER_BYTES}⏎⏎`))
    fill()
  },
}

/** So many more clients ask and stop reading; resolves when nothing moves any more: whatever is to pile up has done so. */
async function stall(count: number): Promise<RawClient[]> {
  const clients = await Promise.all(Array.from({ length: count }, () => rig.connect()))
  for (const client of clients) {
    await client.send('GET /a HTTP/1.1\r\nHost: a\r\n\r\n')
    client.socket.once('data', () => client.socket.pause())
  }
  const sent = () => rig.upstream.connections.reduce((sum, { socket }) => sum + socket.bytesWritten, 0)
  for (let seen = -1; seen !== sent();) {
    seen = sent()
    await sleep(500)
  }
  return clients
}

test(`answers of a gigabyte to ${2 * CROWD} clients that stop reading`, async () => {
  rig.upstream.script = flood
  // The first of them pay for the buffers that all use, and for what the allocator keeps.
  const clients = await stall(CROWD)
  const first = await residentBytes()
  clients.push(...(await stall(CROWD)))
  const grown = (await residentBytes()) - first
  assert.ok(grown < CROWD * EACH_BYTES_MAX, `${CROWD} slow readers cost ${Math.round(grown / CROWD / 1_024)} KiB each`)
  for (const client of clients) client.reset()
  const records = clients.map(() => ({ reason: 'client-abort', status: 499 }))
  await rig.recorded(records)
  await rig.settle('slow readers', records)
})

rig.checkRecords()
