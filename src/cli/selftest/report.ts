/** What a selftest says to people: faults as they are found, and a summary by table. */
import type { AttackResult } from '../../selftest/hostile/attack.ts'
import type { Verdict } from '../../selftest/play.ts'
import type { Evidence } from '../../selftest/stage.ts'
import { counted } from '../config-file.ts'
import type { Output, Paint } from '../host.ts'
import { columns } from '../table.ts'
import type { Vitals } from './vitals.ts'

/** More of a message helps nobody on a terminal; `--json` has all of it. */
const SHOWN_CHARS = 400

export class Report {
  private readonly out: Output
  private readonly paint: Paint
  private progress = false

  constructor(out: Output, paint: Paint) {
    this.out = out
    this.paint = paint
  }

  line(text = ''): void {
    this.out.write(`${this.progress ? '\r\x1b[K' : ''}${text}\n`)
    this.progress = false
  }

  /** A line that the next one replaces; only where lines can be. */
  at(text: string): void {
    if (this.out.isTTY !== true) return
    this.out.write(`\r\x1b[K${this.paint.dim(text)}`)
    this.progress = true
  }

  verdict({ id, name, source, verdict, why, evidence }: Verdict): void {
    const { red, dim, bold } = this.paint
    if (verdict === 'pass') return
    if (verdict === 'not applicable') return
    this.line(`${red('✗')} ${bold(id)} ${printable(name)}  ${dim(source)}`)
    this.line(`    ${printable(why ?? '')}`)
    for (const line of evidence === null ? [] : shown(evidence)) this.line(`    ${dim(line)}`)
  }

  /** Which rows had nothing to say, by the reason why. */
  private skipped(verdicts: readonly Verdict[]): void {
    const rows = verdicts.filter(({ verdict }) => verdict === 'not applicable')
    for (const [why, same] of Map.groupBy(rows, (one) => one.why ?? '')) {
      const [only] = same
      const ids = [...new Set(same.map(({ id }) => id))].join(', ')
      const which =
        same.length === 1 ? `${only!.id} ${printable(only!.name)}` : `${counted(same.length, 'row')} of ${ids}`
      this.line(this.paint.dim(`– ${which}: ${printable(why)}`))
    }
  }

  summary(verdicts: readonly Verdict[], result: AttackResult | null, { faults, growthMb }: Vitals): void {
    const { green, red, dim, bold } = this.paint
    for (const { what, seed, sent, seen } of result?.findings ?? []) {
      this.line(`${red('✗')} ${printable(what)}  ${dim(`--seed ${seed}`)}`)
      if (sent !== '') this.line(`    ${dim(`sent ${quoted(sent)}`)}`)
      if (seen !== '') this.line(`    ${dim(`seen ${quoted(seen)}`)}`)
    }
    for (const fault of faults) this.line(`${red('✗')} ${printable(fault)}`)
    this.skipped(verdicts)
    const rows = TABLES.flatMap(([letter, name]) => {
      const own = verdicts.filter(({ id }) => id.startsWith(letter))
      const count = (wanted: Verdict['verdict']): number => own.filter(({ verdict }) => verdict === wanted).length
      if (own.length === 0) return []
      const [passed, failed, not] = [count('pass'), count('fail'), count('not applicable')]
      return [
        [
          letter,
          name,
          `${passed} passed`,
          failed === 0 ? 'none failed' : `${failed} failed`,
          not === 0 ? '' : `${not} not applicable`,
        ],
      ]
    })
    this.line()
    for (const line of columns(rows)) this.line(line.includes('none failed') ? green(line) : red(line))
    if (result === null) return
    const { attacks, controls, controlsRefused, found, seed } = result
    const colour = found + faults.length === 0 ? green : red
    const refused = controlsRefused === 0 ? '' : `, ${controlsRefused} of them refused`
    this.line(
      colour(
        `${counted(attacks, 'attack')} with seed ${bold(seed)}, ${counted(controls + controlsRefused, 'good exchange')} between them${refused}: ${counted(found, 'finding')}; memory ${growthMb >= 0 ? '+' : ''}${growthMb} MB`,
      ),
    )
  }
}

const TABLES = [
  ['F', 'framing and smuggling'],
  ['P', 'paths, hosts, trust'],
  ['S', 'semantics'],
] as const

/** Client's bytes beside the upstream's. */
function shown({ sent, received, upstream }: Evidence): string[] {
  const all = (label: string, texts: readonly string[]): string[] =>
    texts.filter((text) => text !== '').map((text) => `${label.padEnd(16)} ${quoted(text)}`)
  return [
    ...all('client sent', [sent]),
    ...all('client received', received),
    ...(upstream === null ? [] : upstream.length === 0 ? ['upstream saw     nothing'] : all('upstream saw', upstream)),
  ]
}

function quoted(text: string): string {
  const rest = text.length - SHOWN_CHARS
  return printable(JSON.stringify(text.slice(0, SHOWN_CHARS))) + (rest > 0 ? ` and ${rest} more` : '')
}

/** Bytes of an attack may hold anything; a terminal should not obey it. */
function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, '·')
}
