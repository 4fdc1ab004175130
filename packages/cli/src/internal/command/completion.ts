/** `toehold completion`: a script that teaches a shell the commands and flags. */
import { Effect } from "effect"
import * as Completions from "effect/cli/Completions"
import type { CommandSpec, FlagSpec, Handler } from "../commandSpec.ts"
import { flagsOf } from "../parseArguments.ts"
import { print } from "../print.ts"

const flagType = ({ choices, isFile, value }: FlagSpec): Completions.FlagType =>
  value === undefined
    ? { _tag: "Boolean" }
    : choices !== undefined
      ? { _tag: "Choice", values: choices }
      : isFile === true
        ? { _tag: "Path", pathType: "file" }
        : { _tag: "String" }

const describe = (command: CommandSpec): Completions.CommandDescriptor => ({
  name: command.name,
  description: command.summary,
  flags: flagsOf(command).map((flag) => ({
    name: flag.name,
    aliases: flag.short === undefined ? [] : [flag.short],
    description: flag.summary,
    type: flagType(flag),
    negation: false
  })),
  arguments: (command.arguments ?? []).map(({ choices, isFile, isOptional, isRepeatable, name, summary }) => ({
    name,
    description: summary,
    required: isOptional !== true,
    variadic: isRepeatable === true,
    type:
      choices !== undefined
        ? { _tag: "Choice", values: choices }
        : isFile === true
          ? { _tag: "Path", pathType: "file" }
          : { _tag: "String" }
  })),
  subcommands: (command.children ?? []).map(describe)
})

const isShell = (text: string): text is Completions.Shell => ["bash", "zsh", "fish", "powershell"].includes(text)

export const completionScript = (root: CommandSpec, shell: Completions.Shell): string =>
  Completions.generate(root.name, shell, describe(root))

export const completion =
  (root: CommandSpec): Handler =>
  (invocation) => {
    const shell = invocation.argument(0)
    return isShell(shell)
      ? Effect.as(print(`${completionScript(root, shell)}\n`), 0)
      : Effect.fail(invocation.usage(`There is no completion for "${shell}".`))
  }
