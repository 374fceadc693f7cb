/** Starts the processes of a benchmark, pinned where asked, and makes sure that none outlives it. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const START_LIMIT_MS = 20_000

export interface Launched {
  readonly child: ChildProcess
  readonly pid: number
  /** Everything it printed so far, both streams, the last 64 kB. */
  output(): string
  /** Resolves with the exit code, -1 after a signal. */
  readonly exited: Promise<number>
}

const running = new Set<ChildProcess>()
const folders: string[] = []

/** Starts a program; with `core`, it and its children run on that core only. It is ended with the benchmark at the latest. */
export function launch(command: string, args: readonly string[], core?: number): Launched {
  const [program, programArgs] = core === undefined ? [command, args] : ['taskset', ['-c', `${core}`, command, ...args]]
  // A process group of its own, so that end() reaches its children too.
  const child = spawn(program, [...programArgs], { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-65_536)
    })
  }
  running.add(child)
  const exited = new Promise<number>((resolve) => {
    child.once('error', (error) => {
      output += error.message
      running.delete(child)
      resolve(-1)
    })
    child.once('close', (code) => {
      running.delete(child)
      resolve(code ?? -1)
    })
  })
  return { child, pid: child.pid ?? -1, output: () => output, exited }
}

/** Waits until `probe` holds. Rejects, with what the process printed, when it ends or takes longer than the limit. */
export async function until(
  launched: Launched,
  what: string,
  probe: () => boolean | Promise<boolean>,
  limitMs = START_LIMIT_MS,
): Promise<void> {
  const deadline = performance.now() + limitMs
  while (!(await probe())) {
    const ended = launched.child.exitCode !== null || launched.child.signalCode !== null || launched.pid === -1
    if (ended || performance.now() > deadline) {
      throw new Error(`${what}: ${ended ? 'ended' : 'not ready'} at start\n${launched.output().trim()}`)
    }
    await sleep(20)
  }
}

/** Waits until something accepts connections on the port of loopback. */
export function untilListening(launched: Launched, what: string, port: number): Promise<void> {
  return until(
    launched,
    what,
    () =>
      new Promise((resolve) => {
        const socket = connect(port, '127.0.0.1')
        socket.once('error', () => resolve(false))
        socket.once('connect', () => {
          socket.destroy()
          resolve(true)
        })
      }),
  )
}

export async function end(launched: Launched): Promise<void> {
  killGroup(launched.child)
  await launched.exited
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || !running.has(child)) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It ended by itself a moment ago.
  }
}

/** A port of loopback that is free now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => (address !== null && typeof address === 'object' ? resolve(address.port) : reject()))
    })
  })
}

/** A folder that is removed with everything in it when the benchmark ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'postern-bench-'))
  folders.push(folder)
  return folder
}

process.on('exit', () => {
  for (const child of running) killGroup(child)
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130))
