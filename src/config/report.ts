/** Turns what is wrong at a key path into faults with a place in the file. */
import type { ConfigDocument } from './document.ts'
import { FaultList, type KeyPath, pathText } from './fault.ts'
import { nearest } from './nearest.ts'

export interface Details {
  readonly suggestion?: string | undefined
  /** Point at the key instead of the value. */
  readonly atKey?: boolean
  /** The last key of the path is not in the file: point at the key that lacks it. */
  readonly missing?: boolean
}

export class Report {
  readonly faults: FaultList
  readonly warnings = new FaultList()
  readonly #document: ConfigDocument

  constructor(document: ConfigDocument) {
    this.#document = document
    this.faults = document.faults
  }

  fault(path: KeyPath, message: string, details: Details = {}): void {
    this.#add(this.faults, path, message, details)
  }

  warn(path: KeyPath, message: string): void {
    this.#add(this.warnings, path, message, {})
  }

  /** A word that should be one of `words` and is not. `noun` says what they are: `service`. */
  unknown(path: KeyPath, noun: string, word: string, words: readonly string[], atKey = false): void {
    const suggestion = nearest(word, words)
    this.fault(path, `unknown ${noun} \`${word}\`${suggestion === undefined ? choices(noun, words) : ''}`, {
      suggestion,
      atKey,
    })
  }

  lineOf(path: KeyPath): number {
    return this.#document.position(this.#document.locate(path).key).line
  }

  #add(list: FaultList, path: KeyPath, message: string, details: Details): void {
    const found = this.#document.locate(path)
    // Without its variables a value is wrong in other ways too; those are noise.
    if (found.depth === path.length && this.#document.unresolved.has(found.value)) return
    const offset = details.atKey || details.missing ? found.key : found.value
    // A short form is written in fewer keys than it stands for.
    const written = pathText(details.missing ? path.slice(0, found.depth + 1) : path.slice(0, found.depth))
    const { suggestion } = details
    list.add({
      path: written,
      ...this.#document.position(offset),
      message,
      ...(suggestion === undefined ? {} : { suggestion }),
    })
  }
}

const CHOICES_MAX = 16

function choices(noun: string, words: readonly string[]): string {
  if (words.length === 0) return `; no ${noun} is declared`
  if (words.length > CHOICES_MAX) return ''
  return `; valid: ${words.join(', ')}`
}
