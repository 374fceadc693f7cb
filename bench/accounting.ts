/** What the operating system charges a process and its children: CPU time and memory, from Linux's /proc (proc(5)). */
import { readFileSync, readdirSync } from 'node:fs'

/** Linux reports CPU time to programs in ticks of 1/100 s, whatever the kernel's own timer does. */
const MICROS_PER_TICK = 10_000

export interface ProcessStat {
  readonly parent: number
  /** User and system time of all threads, and of children that ended and were waited for, µs. */
  readonly cpuMicros: number
}

/** Reads the text of `/proc/PID/stat`. The command's name, in parentheses, may hold spaces and parentheses itself. */
export function parseStat(text: string): ProcessStat {
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  const [, parent] = fields
  const ticks = fields.slice(11, 15).reduce((sum, each) => sum + each, 0)
  return { parent: parent!, cpuMicros: ticks * MICROS_PER_TICK }
}

/** CPU time used so far by these processes and all their descendants, µs. */
export function cpuMicros(roots: readonly number[]): number {
  return trees(roots).reduce((sum, [, stat]) => sum + stat.cpuMicros, 0)
}

/**
 * Starts watching what everybody but this benchmark and its children does. The function it returns says which share of
 * the machine that was since, 0 to 1, time stolen by other guests of the host included: a measurement wants it near 0.
 */
export function watchOthers(): () => number {
  const before = othersMicros()
  return () => {
    const now = othersMicros()
    return Math.max(0, (now.others - before.others) / (now.total - before.total))
  }
}

function othersMicros(): { readonly others: number; readonly total: number } {
  const { busy, total } = machineMicros()
  return { others: busy - cpuMicros([process.pid]), total }
}

/** The machine's CPU time since it started, µs: user, nice, system and stolen; and all there was. */
function machineMicros(): { readonly busy: number; readonly total: number } {
  const [, ...ticks] = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]!.split(/ +/).map(Number)
  const [user, nice, system, , , , , stolen] = ticks
  const busy = user! + nice! + system! + stolen!
  // The eight counters up to stolen; the two guest counters after it are part of user and nice.
  const total = ticks.slice(0, 8).reduce((sum, each) => sum + each, 0)
  return { busy: busy * MICROS_PER_TICK, total: total * MICROS_PER_TICK }
}

/** Resident memory of these processes and all their descendants, bytes. */
export function residentBytes(roots: readonly number[]): number {
  return trees(roots).reduce((sum, [pid]) => sum + residentBytesOf(pid), 0)
}

function residentBytesOf(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readOrEmpty(`/proc/${pid}/status`))?.[1]
  return Number(kilobytes ?? 0) * 1024
}

function trees(roots: readonly number[]): ReadonlyArray<readonly [pid: number, stat: ProcessStat]> {
  const all = new Map<number, ProcessStat>()
  for (const name of readdirSync('/proc')) {
    const text = /^\d+$/.test(name) ? readOrEmpty(`/proc/${name}/stat`) : ''
    if (text !== '') all.set(Number(name), parseStat(text))
  }
  const belongs = (pid: number): boolean => {
    if (roots.includes(pid)) return true
    const stat = all.get(pid)
    return stat !== undefined && stat.parent !== 0 && belongs(stat.parent)
  }
  return [...all].filter(([pid]) => belongs(pid))
}

/** A process may end between being listed and being read; then it counts for nothing. */
function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
