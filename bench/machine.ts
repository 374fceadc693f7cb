/** What a benchmark needs from the machine: cores, load and peer programs, and the peers' packages. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { availableParallelism, cpus, release } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { styleText } from 'node:util'
import { watchOthers } from './accounting.ts'

const HERE = import.meta.dirname

/** What a benchmark may need on the machine, and the Debian and Ubuntu package that has it. */
const PACKAGES = {
  nginx: 'nginx',
  'nginx-lua': 'libnginx-mod-http-lua',
  haproxy: 'haproxy',
  caddy: 'caddy',
  'redis-server': 'redis-server',
  wrk: 'wrk',
  h2load: 'nghttp2-client',
  openssl: 'openssl',
} as const
export type Program = keyof typeof PACKAGES
/** A module of nginx is no program, so that it is looked for as a file. */
const LUA_MODULE = '/usr/lib/nginx/modules/ngx_http_lua_module.so'

/** Servers run on one core, load and upstream on the other. */
export const SERVER_CORE = 0
export const LOAD_CORE = 1

/** How many files, sockets included, one process may have open at most: the hard limit, which servers raise theirs to. */
export function filesMax(): number {
  const hard = /^Max open files +\S+ +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
  return hard === undefined ? Number.POSITIVE_INFINITY : Number(hard)
}

/** A reason to stop that the person at the terminal can act upon; printed without a stack. */
export class Refusal extends Error {}

export function requireTwoCores(): void {
  if (availableParallelism() < 2) throw new Refusal('This needs two cores: one for the server, one for the load.')
}

/** Installs the programs that are missing when it may. Throws a Refusal that says what to do when it may not. */
export function requirePrograms(programs: readonly Program[]): void {
  // Where Debian puts servers, which is not on everybody's path.
  process.env['PATH'] = `${process.env['PATH'] ?? ''}${delimiter}/usr/sbin`
  const missing = programs.filter((program) => !has(program)).map((program) => PACKAGES[program])
  if (missing.length === 0) return
  const install = `apt-get install -y --no-install-recommends ${missing.join(' ')}`
  if (!onPath('apt-get') || process.getuid?.() !== 0) {
    throw new Refusal(`Install ${missing.join(', ')} first, for example with: sudo ${install}`)
  }
  note(`installing ${missing.join(', ')}`)
  // RUNLEVEL=1 keeps the packages from starting their own services (invoke-rc.d(8)).
  const script = `export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1; apt-get update && ${install}`
  const { status } = spawnSync('sh', ['-c', script], { stdio: ['ignore', 2, 2] })
  if (status !== 0) throw new Refusal(`Could not install ${missing.join(', ')}; run by hand: ${install}`)
}

/** Installs the peers' packages, unless they are there and as new as the lock file. */
export function requirePackages(): void {
  const installed = join(HERE, 'node_modules', '.package-lock.json')
  const wanted = join(HERE, 'package-lock.json')
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(wanted).mtimeMs) return
  note('installing the peers’ packages')
  // npm runs on the Node that runs this, not on whichever the machine has.
  const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}` }
  const args = ['ci', '--prefix', HERE, '--omit=optional', '--ignore-scripts', '--no-audit', '--no-fund']
  const { status } = spawnSync('npm', args, { stdio: ['ignore', 2, 2], env })
  if (status !== 0) throw new Refusal('Could not install the peers’ packages; run by hand: npm ci --prefix bench')
}

function has(program: Program): boolean {
  return program === 'nginx-lua' ? existsSync(LUA_MODULE) : onPath(program)
}

function onPath(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0
}

/** Where and under which conditions it ran: a figure is worth nothing without. */
export interface Conditions {
  readonly cores: number
  readonly processor: string
  readonly kernel: string
  readonly node: string
  /** Share of the machine that others used meanwhile, 0 to 1. */
  readonly othersShare: number
}

/** Call it when the measuring begins; the function it returns, when it has ended. */
export function watchConditions(): () => Conditions {
  const others = watchOthers()
  return () => ({
    cores: availableParallelism(),
    processor: cpus()[0]?.model ?? 'unknown',
    kernel: release(),
    node: process.version,
    othersShare: others(),
  })
}

/** The last line under a table. Above a tenth of the machine, others have moved the figures. */
export function conditionsLine({ cores, node, othersShare }: Conditions): string {
  const others = `others used ${(100 * othersShare).toFixed(0)} % of the machine`
  const warning = othersShare > 0.1 ? styleText('yellow', `${others}: not quiet enough, run it again`) : others
  return `Only ratios carry over to another machine. ${cores} cores, Node ${node}, ${warning}.`
}

/** Says on stderr what is going on; stdout is for results. */
export function note(text: string): void {
  process.stderr.write(`${styleText('dim', text, { stream: process.stderr })}\n`)
}

/** Runs a benchmark's main function: what it throws ends the process with code 1 and a readable reason. */
export async function runBenchmark(main: () => Promise<void>): Promise<void> {
  try {
    await main()
    process.exit(process.exitCode ?? 0)
  } catch (error) {
    const text = error instanceof Refusal ? error.message : error instanceof Error ? error.stack : String(error)
    process.stderr.write(`${styleText('red', text ?? 'failed', { stream: process.stderr })}\n`)
    process.exit(1)
  }
}
