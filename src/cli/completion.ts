/** `postern completion`: what a shell needs to complete our verbs and options, made from the commands themselves. */
import type { Command } from 'commander'
import { Failure } from './failure.ts'
import type { Host } from './host.ts'

export function addCompletion(program: Command, host: Host): void {
  program
    .command('completion')
    .summary('print a completion script for a shell')
    .description('Prints a script that completes verbs and options; your shell evaluates it at its start.')
    .argument('<shell>', `one of ${Object.keys(SCRIPTS).join(', ')}`)
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  bash:  eval "$(postern completion bash)"   in ~/.bashrc\n' +
        '  zsh:   eval "$(postern completion zsh)"    in ~/.zshrc, after compinit\n' +
        '  fish:  postern completion fish > ~/.config/fish/completions/postern.fish',
    )
    .action((shell: string) => {
      const script = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined
      if (script === undefined)
        throw new Failure(`no script for ${shell}; there are ${Object.keys(SCRIPTS).join(', ')}`)
      host.stdout.write(`${script(verbsOf(program)).join('\n')}\n`)
    })
}

interface Verb {
  readonly name: string
  readonly summary: string
  /** `--json` and the like, with what each does. */
  readonly options: ReadonlyArray<readonly [flag: string, description: string]>
}

function verbsOf(program: Command): readonly Verb[] {
  return program.commands.map((command) => ({
    name: command.name(),
    summary: command.summary(),
    options: [
      ...command.options.map((option) => [option.long!, option.description] as const),
      ['--help', 'display help'],
    ],
  }))
}

const SCRIPTS: Readonly<Record<string, (verbs: readonly Verb[]) => readonly string[]>> = {
  bash: (verbs) => [
    '_postern() {',
    '  local words',
    `  if [ "$COMP_CWORD" -eq 1 ]; then words='${verbs.map((verb) => verb.name).join(' ')}'; else`,
    '    case ${COMP_WORDS[1]} in',
    ...verbs.map(({ name, options }) => `      ${name}) words='${options.map(([flag]) => flag).join(' ')}' ;;`),
    '    esac',
    '  fi',
    '  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))',
    '}',
    'complete -o default -F _postern postern',
  ],
  zsh: (verbs) => [
    '#compdef postern',
    '_postern() {',
    '  local -a verbs',
    `  verbs=(${verbs.map(({ name, summary }) => quoted(`${name}:${summary}`)).join(' ')})`,
    "  if (( CURRENT == 2 )); then _describe 'verb' verbs; else",
    '    case $words[2] in',
    ...verbs.map(({ name, options }) => {
      const flags = options.map(([flag, text]) => quoted(`${flag}[${text.replaceAll(/[[\]:]/g, ' ')}]`))
      return `      ${name}) _arguments ${flags.join(' ')} '*:file:_files' ;;`
    }),
    '    esac',
    '  fi',
    '}',
    'compdef _postern postern',
  ],
  fish: (verbs) =>
    verbs.flatMap(({ name, summary, options }) => [
      `complete -c postern -n __fish_use_subcommand -f -a ${name} -d ${quoted(summary)}`,
      ...options.map(([flag, text]) => {
        const place = quoted(`__fish_seen_subcommand_from ${name}`)
        return `complete -c postern -n ${place} -l ${flag.slice(2)} -d ${quoted(text)}`
      }),
    ]),
}

/** One word for any of the shells. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", '’')}'`
}
