#!/usr/bin/env node
/** The bin entry: hands the process to the command line, and is the only place that ends it. */

const NODE_MAJOR_MIN = 24
if (Number.parseInt(process.versions.node, 10) < NODE_MAJOR_MIN) {
  process.stderr.write(`Postern needs Node ${NODE_MAJOR_MIN} or newer; this is Node ${process.versions.node}.\n`)
  process.exit(1)
}

// Nothing is imported before that is known: what an older Node cannot read would hide the sentence above.
const { readFileSync } = await import('node:fs')
const { fileURLToPath } = await import('node:url')
const { enableCompileCache } = await import('node:module')
const { join } = await import('node:path')

// What has been compiled is kept beside the installation, for threads and children too: the next start is quicker, and a thread
// that finds its code there does not load a compiler of its own (15 MB each). Where it cannot be written, nothing is kept.
const cache = join(import.meta.dirname, '..', 'node_modules', '.cache', 'postern')
enableCompileCache(cache)
process.env['NODE_COMPILE_CACHE'] ??= cache

const { runCli } = await import('./cli/program.ts')

// `postern policies | head` closes our output early, which is no mistake of anybody's.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

const about: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
const code = await runCli(process.argv.slice(2), {
  env: process.env,
  entry: fileURLToPath(import.meta.url),
  version: typeof about === 'object' && about !== null && 'version' in about ? String(about.version) : 'unknown',
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  exitNow: (code) => process.exit(code),
})
// The last words may still be on their way into a pipe.
process.stdout.write('', () => process.exit(code))
