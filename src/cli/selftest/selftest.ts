/** The course of a selftest: finds the gateway or starts one, plays the corpus, attacks at random, and says what came of it. */
import { isIP } from 'node:net'
import { type Verdict, corpus, playAll } from '../../selftest/play.ts'
import { RecordingUpstream } from '../../selftest/recording-upstream.ts'
import { Fault, Stage } from '../../selftest/stage.ts'
import { type Target, targetOf } from '../../selftest/target.ts'
import { counted } from '../config-file.ts'
import { Failure, systemCode } from '../failure.ts'
import { type Host, paintFor } from '../host.ts'
import { type OwnGateway, startOwnGateway } from './own-gateway.ts'
import { Report, failures } from './report.ts'

export interface SelftestOptions {
  readonly upstream?: string
  readonly only: readonly string[]
  readonly minutes: number
  readonly seed?: string
  readonly json?: true
}

const PATIENCE_MS = 2_000

/** Rejects with Failure when a row failed, or when there is nothing to test. */
export async function selftest(host: Host, url: string | undefined, options: SelftestOptions): Promise<void> {
  const given = url === undefined ? null : targetFrom(url)
  const upstream = given === null ? await RecordingUpstream.start() : await listenAt(options.upstream)
  let own: OwnGateway | null = null
  try {
    own = given === null ? await startOwnGateway(host, upstream?.url ?? '', () => {}) : null
    await attack(host, given ?? targetOf(own?.url ?? ''), upstream, options)
  } finally {
    await own?.stop()
    await upstream?.close()
  }
}

async function attack(
  host: Host,
  target: Target,
  upstream: RecordingUpstream | null,
  options: SelftestOptions,
): Promise<void> {
  const report = new Report(host.stdout, paintFor(host.stdout, host.env))
  const stage = new Stage(target, upstream, PATIENCE_MS)
  const rows = corpus(target, options.only)
  if (rows.length === 0) throw new Failure(`there is no row ${options.only.join(', ')}`)
  await prepare(stage, options)
  if (!options.json) {
    report.line(
      `${counted(rows.length, 'row')} against ${target.url}${upstream === null ? '; without an upstream only the client’s bytes are judged' : `, upstream ${upstream.url}`}`,
    )
  }

  const verdicts: Verdict[] = []
  await playAll(stage, rows, (verdict) => {
    verdicts.push(verdict)
    if (options.json) return
    report.verdict(verdict)
    report.at(`${verdicts.length}/${rows.length}  ${verdict.id} ${verdict.name}`)
  })
  stage.end()

  const failed = failures(verdicts)
  if (options.json)
    host.stdout.write(`${JSON.stringify({ url: target.url, ok: failed === null, rows: verdicts }, null, 2)}\n`)
  else report.summary(verdicts)
  if (failed !== null) throw new Failure(failed)
}

async function prepare(stage: Stage, { upstream }: SelftestOptions): Promise<void> {
  const { url } = stage.target
  try {
    await stage.prepare()
  } catch (error) {
    if (error instanceof Fault) throw new Failure(`${error.message}; point a route for ${url} at ${upstream}`)
    throw new Failure(`${url} cannot be tested: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function targetFrom(url: string): Target {
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url))
    throw new Failure(`${url} is no URL; write one such as http://127.0.0.1:8080/`)
  return targetOf(url)
}

/** The recording upstream that somebody asked for. */
async function listenAt(address: string | undefined): Promise<RecordingUpstream | null> {
  if (address === undefined) return null
  const parts = /^(?:http:\/\/)?(\[[^\]]+\]|[^:/]+):(\d{1,5})\/?$/.exec(address)
  const port = Number(parts?.[2])
  if (parts === null || port > 65_535)
    throw new Failure(`--upstream must be an address and a port, such as 127.0.0.1:9999`)
  const name = parts[1]!.replace(/^\[|\]$/g, '')
  try {
    return await RecordingUpstream.start(undefined, port, name)
  } catch (error) {
    const code = systemCode(error)
    if (code === 'EADDRINUSE')
      throw new Failure(`${address} is taken by another process; name another address for --upstream`)
    throw new Failure(
      `${address} cannot be listened on (${code ?? String(error)})${isIP(name) === 0 ? '; an IP address is safer than a name' : ''}`,
    )
  }
}
