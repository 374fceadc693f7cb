/** Reads columns of rows as what the tables say they are; a TypeError means that the file and this code disagree. */
import type { SQLOutputValue } from 'node:sqlite'

export type Row = Record<string, SQLOutputValue>
type Column = SQLOutputValue | undefined

export function text(value: Column): string {
  if (typeof value !== 'string') throw new TypeError(`The store holds ${typeof value} where text belongs.`)
  return value
}

export function textOrNull(value: Column): string | null {
  return value === null ? null : text(value)
}

export function integer(value: Column): number {
  if (typeof value !== 'number') throw new TypeError(`The store holds ${typeof value} where a number belongs.`)
  return value
}

export function integerOrNull(value: Column): number | null {
  return value === null ? null : integer(value)
}

export function blob(value: Column): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new TypeError(`The store holds ${typeof value} where bytes belong.`)
  return value
}

/** A list of strings that this store has written as JSON. */
export function strings(value: Column): readonly string[] {
  return JSON.parse(text(value))
}

export function stringsOrNull(value: Column): readonly string[] | null {
  return value === null ? null : strings(value)
}

/** A map of strings that this store has written as JSON. */
export function map(value: Column): Readonly<Record<string, string>> {
  return JSON.parse(text(value))
}
