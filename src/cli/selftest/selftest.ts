/** The course of a selftest: finds the gateway or starts one, plays the corpus, attacks at random, and says what came of it. */
import { type AttackResult, runAttack } from '../../selftest/hostile/attack.ts'
import { type Verdict, corpus, playAll } from '../../selftest/play.ts'
import type { RecordingUpstream } from '../../selftest/recording-upstream.ts'
import { Fault, Stage } from '../../selftest/stage.ts'
import type { Target } from '../../selftest/target.ts'
import { counted } from '../config-file.ts'
import { Failure } from '../failure.ts'
import { type Host, paintFor } from '../host.ts'
import { openBench } from './bench.ts'
import type { OwnGateway } from './own-gateway.ts'
import { Report } from './report.ts'
import { Vitals } from './vitals.ts'

export interface SelftestOptions {
  readonly upstream?: string
  readonly only: readonly string[]
  readonly minutes: number
  readonly seed?: string
  readonly json?: true
}

const PATIENCE_MS = 2_000
const MINUTE_MS = 60_000
/** An attack that is repeated by its seed runs this long, unless it is told how long. */
const REPEAT_MS = 10_000

/** Rejects with Failure when something failed, or when there is nothing to test. */
export async function selftest(host: Host, url: string | undefined, options: SelftestOptions): Promise<void> {
  const vitals = new Vitals()
  const bench = await openBench(host, url, options.upstream, (access) => vitals.record(access))
  try {
    const { target, upstream, own } = bench
    const report = new Report(options.json ? { write: () => {} } : host.stdout, paintFor(host.stdout, host.env))
    const stage = new Stage(target, upstream, PATIENCE_MS)
    await prepare(stage, options)
    const isRepeat = options.seed?.includes(':') === true
    const verdicts = isRepeat ? [] : await playCorpus(stage, options, report)
    stage.end()

    const durationMs = options.minutes === 0 && isRepeat ? REPEAT_MS : options.minutes * MINUTE_MS
    const result =
      durationMs === 0 || upstream === null
        ? null
        : await attackFor(durationMs, target, upstream, own, vitals, options, report)
    report.summary(verdicts, result, vitals)
    const wrong = failures(verdicts, result, vitals)
    if (options.json) {
      const { faults, growthMb } = vitals
      const attack = result === null ? null : { ...result, faults, growthMb }
      host.stdout.write(`${JSON.stringify({ url: target.url, ok: wrong === '', rows: verdicts, attack }, null, 2)}\n`)
    }
    if (wrong !== '') throw new Failure(wrong)
  } finally {
    await bench.close()
  }
}

async function prepare(stage: Stage, { upstream, minutes }: SelftestOptions): Promise<void> {
  const { url } = stage.target
  if (stage.upstream === null && minutes > 0)
    throw new Failure('--minutes needs --upstream: what goes upstream has to be watched')
  try {
    await stage.prepare()
  } catch (error) {
    if (error instanceof Fault) throw new Failure(`${error.message}; point a route for ${url} at ${upstream}`)
    throw new Failure(`${url} cannot be tested: ${error instanceof Error ? error.message : String(error)}`)
  }
}

async function playCorpus(stage: Stage, { only }: SelftestOptions, report: Report): Promise<Verdict[]> {
  const { target, upstream } = stage
  const rows = corpus(target, only)
  if (rows.length === 0) throw new Failure(`there is no row ${only.join(', ')}`)
  const watched =
    upstream === null ? '; without --upstream only the client’s bytes are judged' : `, upstream ${upstream.url}`
  report.line(`${counted(rows.length, 'row')} against ${target.url}${watched}`)
  const verdicts: Verdict[] = []
  await playAll(stage, rows, (verdict) => {
    verdicts.push(verdict)
    report.verdict(verdict)
    report.at(`${verdicts.length}/${rows.length}  ${verdict.id} ${verdict.name}`)
  })
  return verdicts
}

async function attackFor(
  durationMs: number,
  target: Target,
  upstream: RecordingUpstream,
  own: OwnGateway | null,
  vitals: Vitals,
  options: SelftestOptions,
  report: Report,
): Promise<AttackResult> {
  const seed = options.seed ?? String(Math.trunc(Math.random() * 1e9))
  report.line(`\nrandom mutations for ${durationMs / MINUTE_MS} minutes, seed ${seed}`)
  const over = new AbortController()
  const keeping = own === null ? null : vitals.keep(own, over)
  const result = await runAttack({
    target,
    upstream,
    seed,
    durationMs,
    isStrict: own !== null,
    over,
    ...(own === null ? {} : { onOver: vitals.onOver }),
    onProgress: (attacks, found) => report.at(`${attacks} attacks, ${found} findings`),
  })
  await keeping
  if (own !== null) await vitals.afterwards(own)
  return result
}

/** In one sentence; empty when nothing is wrong. */
function failures(verdicts: readonly Verdict[], result: AttackResult | null, { faults }: Vitals): string {
  const failed = verdicts.filter(({ verdict }) => verdict === 'fail').length
  return [
    ...(failed === 0 ? [] : [`${counted(failed, 'row')} of ${verdicts.length} failed`]),
    ...(result === null || result.found === 0 ? [] : [`the attack found ${counted(result.found, 'fault')}`]),
    ...faults,
  ].join(', ')
}
