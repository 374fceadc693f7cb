/** `${NAME}` in a text becomes the variable's value; `$${` stands for the two characters themselves. */

/** The variables that `${NAME}` may name; the process's own, or a test's. */
export type Environment = Readonly<Record<string, string | undefined>>

const REFERENCE = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{/g

/**
 * `text` with its references resolved, once: a value that looks like a reference stays as it is. What cannot be resolved is
 * left as written and told to `wrong`. Values never appear in what `wrong` is told.
 */
export function resolveReferences(text: string, env: Environment, wrong: (message: string) => void): string {
  if (!text.includes('${')) return text
  return text.replace(REFERENCE, (written: string, name: string | undefined) => {
    if (written === '$${') return '${'
    if (name === undefined) {
      wrong('a reference is written `${NAME}`; write `$${` for the characters themselves')
      return written
    }
    const value = Object.hasOwn(env, name) ? env[name] : undefined
    if (value !== undefined) return value
    wrong(`the environment variable ${name} is not set`)
    return written
  })
}
