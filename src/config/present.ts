/** Faults as a person reads them in a terminal: the place, the line itself with a caret under it, what is wrong, what was meant. */
import picocolors from 'picocolors'
import type { Fault } from './fault.ts'

export interface PresentOptions {
  /** As the person named it: `postern.yaml`. */
  readonly file: string
  readonly text: string
  readonly level: 'error' | 'warning'
  readonly color: boolean
}

/** Longest stretch of a source line that is shown, in characters; a JSON file may be one long line. */
const LINE_CHARS_MAX = 120

/**
 * One block a fault, a blank line between them, no line end after the last:
 *
 *     postern.yaml:3:5: error: unknown key `prox`
 *       3 |     prox: profiles
 *         |     ^ routes.profile.prox
 *         did you mean `proxy`?
 */
export function presentFaults(faults: readonly Fault[], { file, text, level, color }: PresentOptions): string {
  const paint = picocolors.createColors(color)
  const paintLevel = level === 'error' ? paint.red : paint.yellow
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  const block = ({ path, line, column, message, suggestion }: Fault): string => {
    const number = String(line)
    const margin = ' '.repeat(number.length)
    const { shown, pad } = excerpt(lines[line - 1] ?? '', column)
    return [
      `${paint.bold(`${printable(file)}:${line}:${column}:`)} ${paintLevel(`${level}:`)} ${printable(message)}`,
      `  ${paint.dim(`${number} |`)} ${shown}`,
      `  ${paint.dim(`${margin} |`)} ${pad}${paintLevel('^')} ${paint.dim(printable(path))}`.trimEnd(),
      ...(suggestion === undefined ? [] : [`  ${margin}   did you mean \`${paint.bold(printable(suggestion))}\`?`]),
    ].join('\n')
  }
  return faults.map(block).join('\n\n')
}

/** The part of a line around a column, and the blank space that puts a caret under that column. */
function excerpt(line: string, column: number): { readonly shown: string; readonly pad: string } {
  const from = column > LINE_CHARS_MAX * 0.75 ? column - 1 - LINE_CHARS_MAX / 2 : 0
  const part = printable(line.slice(from, from + LINE_CHARS_MAX).replaceAll('\t', ' '))
  const shown = `${from > 0 ? '…' : ''}${part}${from + LINE_CHARS_MAX < line.length ? '…' : ''}`
  return { shown, pad: ' '.repeat(column - 1 - from + (from > 0 ? 1 : 0)) }
}

/** Control and format characters could move the cursor, recolour the screen or reorder the line. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '·')
}
