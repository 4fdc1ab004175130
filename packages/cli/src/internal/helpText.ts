/** A command's help, from its description. */
import type { ArgumentSpec, CommandSpec, FlagSpec } from "./commandSpec.ts"
import { flagsOf } from "./parseArguments.ts"

const flagName = (flag: FlagSpec): string =>
  `${flag.short === undefined ? "    " : `-${flag.short}, `}--${flag.name}${flag.value === undefined ? "" : ` ${flag.value}`}`

const flagSummary = (flag: FlagSpec): string =>
  [
    flag.summary,
    ...(flag.choices === undefined ? [] : [`[${flag.choices.join(", ")}]`]),
    ...(flag.isRepeatable === true ? ["(may be repeated)"] : [])
  ].join(" ")

const columns = (rows: ReadonlyArray<readonly [string, string]>): ReadonlyArray<string> => {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`.trimEnd())
}

const section = (title: string, lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  lines.length === 0 ? [] : ["", `${title}:`, ...lines]

const argumentName = ({ isOptional, isRepeatable, name }: ArgumentSpec): string => {
  const shown = isRepeatable === true ? `${name}...` : name
  return isOptional === true ? `[${shown}]` : shown
}

/** One line: the command with everything it takes. */
export const usageLine = (command: CommandSpec, path: ReadonlyArray<string>): string =>
  [
    ...path,
    ...(command.children === undefined ? [] : ["COMMAND"]),
    ...(command.arguments ?? []).map(argumentName),
    "[flags]",
    ...(command.rest === undefined ? [] : [`-- ${command.rest}`])
  ].join(" ")

export const helpText = (
  command: CommandSpec,
  path: ReadonlyArray<string>,
  topics: ReadonlyArray<readonly [name: string, summary: string]>
): string =>
  [
    command.summary,
    ...section("Usage", [`  ${usageLine(command, path)}`]),
    ...(command.description === undefined ? [] : ["", command.description]),
    ...section("Commands", columns((command.children ?? []).map(({ name, summary }) => [name, summary]))),
    ...section("Arguments", columns((command.arguments ?? []).map(({ name, summary }) => [name, summary]))),
    ...section("Flags", columns(flagsOf(command).map((flag) => [flagName(flag), flagSummary(flag)]))),
    ...(command.document === undefined ? [] : section("With --json", [`  ${command.document}`])),
    ...section(
      "Examples",
      (command.examples ?? []).flatMap(({ command, summary }) => [`  # ${summary}`, `  ${command}`])
    ),
    ...(path.length > 1 ? [] : section("Help topics, shown by: toehold help TOPIC", columns(topics))),
    ""
  ].join("\n")
