/** The thread in which consumers' code runs, in QuickJS: nothing to reach but the message, and bounds on time, memory and output. */
import { parentPort } from 'node:worker_threads'
import variant from '@jitl/quickjs-wasmfile-release-sync'
import {
  type QuickJSWASMModule,
  newQuickJSWASMModuleFromVariant,
  newVariant,
  shouldInterruptAfterDeadline,
} from 'quickjs-emscripten-core'
import { systemClock } from '../base/clock.ts'
import type { TransformAnswer, TransformJob } from './transformations.ts'

/** Known to Node, and not to its types. */
declare const WebAssembly: { readonly Memory: new (pages: { initial: number; maximum: number }) => object }

const RUN_MS = 500
/** Of all that runs, in pages of 64 KiB: 32 MiB. The runtime's own bound counts no bytes in this build; WebAssembly's is one. */
const MEMORY_PAGES = { initial: 256, maximum: 512 }
const STACK_BYTES_MAX = 512 * 1024
const OUTPUT_CHARS_MAX = 1024 * 1024
const REASON_CHARS_MAX = 500

/** Reads the input, calls the handler, writes what it returned: all inside. */
const CALL = `(() => {
  const webhook = JSON.parse(globalThis.__input)
  delete globalThis.__input
  if (typeof handler !== 'function') throw new TypeError('there is no function named handler')
  const returned = handler(webhook)
  if (returned === null || typeof returned !== 'object') throw new TypeError('handler returned no webhook')
  return JSON.stringify(returned)
})()`

/** As a module the package is its variant; as its types have it, it holds it. */
// oxlint-disable-next-line import/no-named-as-default-member
const released = 'default' in variant ? variant.default : variant
let quickjs: QuickJSWASMModule | null = null

/** 40 ms, at first and after every run that failed: memory that it has grown is never given back, and what it broke is unknown. */
function fresh(): Promise<QuickJSWASMModule> {
  return newQuickJSWASMModuleFromVariant(newVariant(released, { wasmMemory: new WebAssembly.Memory(MEMORY_PAGES) }))
}

/** A runtime of its own for every run: what one consumer's code leaves behind is nothing to the next. */
function run(quickjs: QuickJSWASMModule, { code, input, variables }: TransformJob): Omit<TransformAnswer, 'number'> {
  using runtime = quickjs.newRuntime()
  runtime.setMaxStackSize(STACK_BYTES_MAX)
  runtime.setInterruptHandler(shouldInterruptAfterDeadline(systemClock.now() + RUN_MS))
  using context = runtime.newContext()
  using text = context.newString(input)
  context.setProp(context.global, '__input', text)
  const set = context.evalCode(`globalThis.variables = Object.freeze(${JSON.stringify(variables)})`)
  set.dispose()
  for (const [source, name] of [
    [code, 'transformation.js'],
    [CALL, 'postern'],
  ] as const) {
    using result = context.evalCode(source, name)
    if (result.error !== undefined) return { reason: reasonOf(context.dump(result.error)), output: '' }
    if (source !== CALL) continue
    const output = context.getString(result.value)
    if (output.length > OUTPUT_CHARS_MAX) return { reason: 'the output is too large', output: '' }
    return { reason: null, output }
  }
  return { reason: 'nothing ran', output: '' }
}

function reasonOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('message' in error))
    return String(error).slice(0, REASON_CHARS_MAX)
  const name = 'name' in error ? String(error.name) : 'Error'
  if (name === 'InternalError' && error.message === 'interrupted') return `it ran for more than ${RUN_MS} ms`
  if (name === 'InternalError' && error.message === 'out of memory') return 'it needed too much memory'
  const stack = 'stack' in error ? String(error.stack).trim().split('\n')[0]!.trim() : ''
  return `${name}: ${String(error.message)} ${stack}`.trim().slice(0, REASON_CHARS_MAX)
}

/** The engine gives one at a time, the next after the answer. */
async function work(job: TransformJob): Promise<TransformAnswer> {
  try {
    quickjs ??= await fresh()
    const answer = run(quickjs, job)
    if (answer.reason !== null) quickjs = null
    return { number: job.number, ...answer }
  } catch (error) {
    quickjs = null
    return { number: job.number, reason: reasonOf(error), output: '' }
  }
}

parentPort!.on('message', (job: TransformJob) => {
  void work(job).then((answer) => parentPort!.postMessage(answer))
})
