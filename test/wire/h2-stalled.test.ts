/** Windows that a client never opens cost the gateway little, however many answers wait behind them (S7). */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { crlf } from '../../src/selftest/notation.ts'
import { RawH2, get, initialWindow } from '../../src/selftest/raw-h2.ts'
import { Rig } from './rig.ts'

const rig = await Rig.start()
const STREAMS = 100
const PIECE = Buffer.alloc(256 * 1_024, 'x')
/** One read of an upstream waits for each (64 KiB) and what its socket has read; one that holds what is not taken has megabytes for each. */
const EACH_BYTES_MAX = 512 * 1_024

async function residentBytes(): Promise<number> {
  const status = await readFile(`/proc/${rig.postern.pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) * 1_024
}

/** So many streams more wait, each for a gigabyte; resolves when nothing moves any more. */
async function stall(): Promise<RawH2> {
  const client = await RawH2.connect(rig.postern.port(), initialWindow(0))
  for (let i = 0; i < STREAMS; i++) client.send(get(2 * i + 1))
  const sent = () => rig.upstream.connections.reduce((sum, { socket }) => sum + socket.bytesWritten, 0)
  for (let seen = -1; seen !== sent() || seen === 0;) {
    seen = sent()
    await sleep(500)
  }
  return client
}

test(`${STREAMS} answers of a gigabyte to each of two clients that open no window`, async () => {
  rig.upstream.script = {
    answer: (socket) => {
      const fill = (): void => {
        while (!socket.destroyed && socket.write(PIECE));
      }
      socket.on('error', () => {}).on('drain', fill)
      socket.write(crlf('HTTP/1.1 200 OK⏎Content-Length: 1000000000⏎⏎'))
      fill()
    },
  }
  // The first pays for the buffers that all use, and for what the allocator keeps.
  const first = await stall()
  const before = await residentBytes()
  const second = await stall()
  const each = ((await residentBytes()) - before) / STREAMS
  assert.ok(each < EACH_BYTES_MAX, `a stream that waits costs ${Math.round(each / 1_024)} KiB`)
  for (const client of [first, second]) client.socket.resetAndDestroy()
  const records = Array.from({ length: 2 * STREAMS }, () => ({ reason: 'client-abort', status: 499 }))
  await rig.recorded(records)
  await rig.settle('stalled', records)
})

rig.checkRecords()
