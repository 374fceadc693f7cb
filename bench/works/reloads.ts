/** A thousand configurations one after the other under load: no request fails, and memory stays where it was. */
import { residentBytes } from '../accounting.ts'
import { CONNECTIONS, underWrk } from '../loads/cpu-per-request.ts'
import { parseSummary, startLoad } from '../loads/wrk.ts'
import { LOAD_CORE } from '../machine.ts'
import { postern } from '../peers/postern.ts'
import { startUpstream } from '../peers/upstream.ts'
import { median } from '../statistics.ts'
import { alone } from './alone.ts'

const RELOADS = 1000
/** As many come before, because V8 lets its heaps grow to a working size first; what leaks goes on growing after that. */
const WARM_UP = 1000
/** Memory is read after every so many; its medians over the first fifth of the way and the last are compared. */
const EVERY = 5
const MEGABYTE = 1024 * 1024
const GROWTH_MAX = 8

export const reloads = alone<'grown' | 'end' | 'before' | 'each' | 'requests'>({
  name: 'reloads',
  title: `${RELOADS} reloads under full load, after ${WARM_UP} without`,
  peers: [postern],
  columns: [
    { key: 'grown', title: 'grown by MB', decimals: 1 },
    { key: 'end', title: 'MB at the end', decimals: 1 },
    { key: 'before', title: 'MB before', decimals: 1 },
    { key: 'each', title: 'ms each', decimals: 1 },
    { key: 'requests', title: 'requests', decimals: 0 },
  ],
  bounds: [{ text: `${RELOADS} reloads: memory grown by`, peer: postern, key: 'grown', limit: GROWTH_MAX, unit: 'MB' }],
  startUpstream,
  async measure(running) {
    const { errors } = await underWrk(running, 2)
    const before = residentBytes([running.launched.pid]) / MEGABYTE
    for (let reload = 1; reload <= WARM_UP; reload++) await running.reload!()
    const url = `${running.origin}/user/profile?lang=en`
    const wrk = startLoad({ url, headers: running.headers, connections: CONNECTIONS, seconds: 3600, core: LOAD_CORE })
    const samples: number[] = []
    const startMs = performance.now()
    for (let reload = 1; reload <= RELOADS; reload++) {
      await running.reload!()
      if (reload % EVERY === 0) samples.push(residentBytes([running.launched.pid]) / MEGABYTE)
    }
    const each = (performance.now() - startMs) / RELOADS
    wrk.child.kill('SIGINT')
    await wrk.exited
    const { requests, refused, broken } = parseSummary(wrk.output())
    const fifth = samples.length / 5
    const [early, end] = [median(samples.slice(0, fifth)), median(samples.slice(-fifth))]
    return { figures: { grown: end - early, end, before, each, requests }, errors: errors + refused + broken }
  },
})
