/**
 * What a message must look like for an endpoint to get it: a JSON object that looks like the payload, with operators where a value
 * alone does not say it. Bounded: no loops, no expressions, no regular expressions; its cost is its size times that of the payload's
 * part it looks at.
 */

export type Filter = (payload: unknown) => boolean

/** Why it cannot be a filter, and where in it. */
export interface FilterFault {
  readonly path: readonly (string | number)[]
  readonly message: string
}

const DEPTH_MAX = 16
const NODES_MAX = 256
const LIST_MAX = 100

class Fault extends Error {
  readonly fault: FilterFault

  constructor(path: FilterFault['path'], message: string) {
    super(message)
    this.fault = { path, message }
  }
}

/** Null lets everything through. */
export function compileFilter(filter: unknown): Filter | FilterFault {
  if (filter === null || filter === undefined) return () => true
  try {
    if (!isObject(filter)) throw new Fault([], 'A filter is an object.')
    return compile(filter, [], { nodes: 0 })
  } catch (error) {
    if (error instanceof Fault) return error.fault
    throw error
  }
}

type Path = readonly (string | number)[]
type Size = { nodes: number }

function compile(wanted: unknown, path: Path, size: Size): Filter {
  if (++size.nodes > NODES_MAX) throw new Fault(path, `A filter has at most ${NODES_MAX} parts.`)
  if (path.length > DEPTH_MAX) throw new Fault(path, `A filter is at most ${DEPTH_MAX} deep.`)
  if (Array.isArray(wanted)) throw new Fault(path, 'A list stands behind $in, $nin, $and or $or.')
  if (!isObject(wanted)) return equalTo(wanted)
  const names = Object.keys(wanted)
  const parts = names.map((name): Filter => {
    const at = [...path, name]
    if (name.startsWith('$')) return operator(name, wanted[name], at, size)
    const inner = compile(wanted[name], at, size)
    return (value) => inner(member(value, name))
  })
  return (value) => parts.every((part) => part(value))
}

function operator(name: string, operand: unknown, path: Path, size: Size): Filter {
  switch (name) {
    case '$eq':
      return equalTo(scalar(operand, path))
    case '$neq':
      return not(equalTo(scalar(operand, path)))
    case '$gt':
      return ordered(operand, path, (a, b) => a > b)
    case '$gte':
      return ordered(operand, path, (a, b) => a >= b)
    case '$lt':
      return ordered(operand, path, (a, b) => a < b)
    case '$lte':
      return ordered(operand, path, (a, b) => a <= b)
    case '$in':
      return oneOf(operand, path)
    case '$nin':
      return not(oneOf(operand, path))
    case '$exists':
      if (typeof operand !== 'boolean') throw new Fault(path, '$exists is true or false.')
      return (value) => (value !== undefined) === operand
    case '$startsWith':
      return onText(operand, path, (value, text) => value.startsWith(text))
    case '$endsWith':
      return onText(operand, path, (value, text) => value.endsWith(text))
    case '$contains': {
      const wanted = scalar(operand, path)
      return (value) =>
        typeof value === 'string'
          ? typeof wanted === 'string' && value.includes(wanted)
          : Array.isArray(value) && value.includes(wanted)
    }
    case '$not':
      return not(compile(operand, path, size))
    case '$and': {
      const parts = list(operand, path).map((part, index) => compile(part, [...path, index], size))
      return (value) => parts.every((part) => part(value))
    }
    case '$or': {
      const parts = list(operand, path).map((part, index) => compile(part, [...path, index], size))
      return (value) => parts.some((part) => part(value))
    }
  }
  throw new Fault(path, `There is no operator ${name.slice(0, 40)}.`)
}

function not(filter: Filter): Filter {
  return (value) => !filter(value)
}

function equalTo(wanted: unknown): Filter {
  return (value) => value === wanted
}

function oneOf(operand: unknown, path: Path): Filter {
  const wanted = new Set(list(operand, path).map((one, index) => scalar(one, [...path, index])))
  return (value) => wanted.has(value)
}

/** Numbers with numbers, texts with texts (dates as ISO 8601 writes them sort as texts); anything else is not so. */
function ordered(operand: unknown, path: Path, holds: (a: number | string, b: number | string) => boolean): Filter {
  if (typeof operand !== 'number' && typeof operand !== 'string') throw new Fault(path, 'This is a number or a text.')
  return (value) =>
    (typeof value === 'number' || typeof value === 'string') && typeof value === typeof operand && holds(value, operand)
}

function onText(operand: unknown, path: Path, holds: (value: string, text: string) => boolean): Filter {
  if (typeof operand !== 'string') throw new Fault(path, 'This is a text.')
  return (value) => typeof value === 'string' && holds(value, operand)
}

function scalar(value: unknown, path: Path): unknown {
  if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) return value
  throw new Fault(path, 'This is a text, a number, true, false or null.')
}

function list(value: unknown, path: Path): readonly unknown[] {
  if (!Array.isArray(value) || value.length === 0) throw new Fault(path, 'This is a list.')
  if (value.length > LIST_MAX) throw new Fault(path, `A list has at most ${LIST_MAX} items.`)
  return value
}

/** Of an object's own; of a list by number. */
function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
