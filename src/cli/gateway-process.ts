/** The product itself, in a process of its own, as an operator would start it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import type { Environment } from '../config/environment.ts'
import { Failure } from './failure.ts'

export interface GatewayOptions {
  /** Our own entry, absolute. */
  readonly entry: string
  readonly file: string
  readonly env: Environment
  /** Called for every exchange. */
  readonly onAccess: (access: Access) => void
}

export interface GatewayProcess {
  readonly pid: number
  readonly gateway: string
  readonly admin: string
  /** Resolves when it ends without having been asked to; says how. */
  readonly lost: Promise<string>
  stop(): Promise<void>
}

const Ready = z.object({ msg: z.literal('ready'), gateway: z.array(z.string()).min(1), admin: z.string() })
const AccessLine = z.object({
  kind: z.literal('access'),
  /** Wall clock, ms. */
  time: z.number(),
  method: z.string(),
  path: z.string(),
  status: z.number(),
  ms: z.number(),
})
export type Access = z.infer<typeof AccessLine>

const LAST_WORDS = 12
const STOP_MS = 25_000

/** Resolves when it serves. Rejects with Failure, and its last words, when it ends instead. */
export async function startGateway({ entry, file, env, onAccess }: GatewayOptions): Promise<GatewayProcess> {
  const child = spawn(process.execPath, [entry, 'run', file], {
    env: { ...env },
    // The channel says nothing: it tells the gateway when we are gone.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // A group of its own: Ctrl-C in the terminal is for us, who then stop the gateway in order.
    detached: true,
  })
  const said: string[] = []
  const hear = (line: string): void => {
    said.push(line)
    if (said.length > LAST_WORDS) said.shift()
  }
  createInterface(child.stderr!).on('line', hear)

  const ready = Promise.withResolvers<z.infer<typeof Ready>>()
  createInterface(child.stdout!).on('line', (line) => {
    const message = jsonOf(line)
    const access = AccessLine.safeParse(message)
    if (access.success) return onAccess(access.data)
    hear(line)
    const start = Ready.safeParse(message)
    if (start.success) ready.resolve(start.data)
  })

  let stopping = false
  const lost = Promise.withResolvers<string>()
  child.once('error', (error) => ready.reject(error))
  child.once('close', () => {
    const why = `the gateway ended${said.length === 0 ? '' : `; it said\n${said.join('\n')}`}`
    ready.reject(new Failure(why))
    if (!stopping) lost.resolve(why)
  })
  const { gateway, admin } = await ready.promise
  return {
    pid: child.pid!,
    gateway: gateway[0]!,
    admin,
    lost: lost.promise,
    async stop() {
      stopping = true
      const ended = once(child, 'close')
      if (!child.kill('SIGTERM')) return
      const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
      await ended
      clearTimeout(late)
    },
  }
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}
