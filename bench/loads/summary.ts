/** How a load's process hands over what it counted: one line, `summary` and JSON, among whatever else it prints. */

/** Throws, with what was printed, when there is no such line. */
export function readSummary(output: string, what: string): unknown {
  const line = /^summary (\{.*\})$/m.exec(output)?.[1]
  if (line === undefined) throw new Error(`${what} gave no summary:\n${output.trim()}`)
  return JSON.parse(line)
}
