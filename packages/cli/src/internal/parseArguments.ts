/** Reads a command line by the command's description. */
import { Result } from "effect"
import { UsageError } from "../UsageError.ts"
import type { CommandSpec, FlagSpec, Parsed } from "./commandSpec.ts"
import { nearest } from "./suggestion.ts"

export const helpFlag: FlagSpec = { name: "help", short: "h", summary: "Show this help" }

/** The flags that every command takes. */
export const globalFlags: ReadonlyArray<FlagSpec> = [
  {
    name: "log-level",
    value: "LEVEL",
    choices: ["debug", "info", "warn", "error", "none"],
    summary: "What is logged on stderr (default: warn)"
  },
  {
    name: "log-format",
    value: "FORMAT",
    choices: ["text", "json"],
    summary: "How it is logged (default: text)"
  },
  helpFlag
]

export const flagsOf = (command: CommandSpec): ReadonlyArray<FlagSpec> => [...(command.flags ?? []), ...globalFlags]

const helpHint = (path: ReadonlyArray<string>): string => `See: ${path.join(" ")} --help`

const meant = (word: string | undefined): string => (word === undefined ? "" : `Did you mean ${word}? `)

/** Reads the words after the program's name. */
export const parseArguments = (root: CommandSpec, words: ReadonlyArray<string>): Result.Result<Parsed, UsageError> => {
  let command = root
  const path = [root.name]
  const flags = new Map<string, Array<string>>()
  const given: Array<readonly [flag: string, value: string]> = []
  const positional: Array<string> = []
  let rest: ReadonlyArray<string> | undefined
  let wantsHelp = false

  const fail = (detail: string, suggestion?: string): Result.Result<never, UsageError> =>
    Result.fail(new UsageError({ detail, hint: `${meant(suggestion)}${helpHint(path)}` }))

  const find = (name: string): FlagSpec | undefined => flagsOf(command).find((flag) => flag.name === name)
  const findShort = (letter: string): FlagSpec | undefined => flagsOf(command).find((flag) => flag.short === letter)

  const set = (flag: FlagSpec, shown: string, value: string): Result.Result<void, UsageError> => {
    if (flag === helpFlag) {
      wantsHelp = true
      return Result.void
    }
    const before = flags.get(flag.name)
    if (before !== undefined && flag.isRepeatable !== true && flag.value !== undefined) {
      return fail(`${shown} is given twice.`)
    }
    if (flag.choices !== undefined && !flag.choices.includes(value)) {
      return fail(`${shown} takes one of ${flag.choices.join(", ")}, not "${value}".`, nearest(value, flag.choices))
    }
    if (before === undefined || flag.value === undefined) flags.set(flag.name, [value])
    else before.push(value)
    if (flag.value !== undefined) given.push([flag.name, value])
    return Result.void
  }

  let at = 0
  const take = (flag: FlagSpec, shown: string): Result.Result<void, UsageError> => {
    const value = words[at]
    // A word that looks like a flag can be given with "=": taking it would swallow a real one whose value was forgotten.
    if (value === undefined || (value.startsWith("-") && value !== "-")) {
      const attached = flag.name.length > 1 ? ` (a value that begins with - is written --${flag.name}=VALUE)` : ""
      return fail(`${shown} needs a value: ${flag.value ?? ""}${value === undefined ? "" : attached}.`)
    }
    at++
    return set(flag, shown, value)
  }

  const readLong = (word: string): Result.Result<void, UsageError> => {
    const equals = word.indexOf("=")
    const name = word.slice(2, equals === -1 ? undefined : equals)
    const flag = find(name)
    const shown = `--${name}`
    if (flag === undefined) {
      const near = nearest(
        name,
        flagsOf(command).map((known) => known.name)
      )
      return fail(`${path.join(" ")} has no flag ${shown}.`, near === undefined ? undefined : `--${near}`)
    }
    if (flag.value === undefined) {
      return equals === -1 ? set(flag, shown, "") : fail(`${shown} takes no value.`)
    }
    return equals === -1 ? take(flag, shown) : set(flag, shown, word.slice(equals + 1))
  }

  /** As ssh reads them: switches may be joined, and a value may follow its letter at once. */
  const readShort = (word: string): Result.Result<void, UsageError> => {
    for (let index = 1; index < word.length; index++) {
      const letter = word[index] ?? ""
      const shown = `-${letter}`
      const flag = findShort(letter)
      if (flag === undefined) return fail(`${path.join(" ")} has no flag ${shown}${index > 1 ? ` (in ${word})` : ""}.`)
      if (flag.value !== undefined) {
        const attached = word.slice(index + 1)
        return attached === "" ? take(flag, shown) : set(flag, shown, attached)
      }
      const switched = set(flag, shown, "")
      if (Result.isFailure(switched)) return switched
    }
    return Result.void
  }

  const readWord = (word: string): Result.Result<void, UsageError> => {
    if (word.startsWith("--")) return readLong(word)
    if (word.startsWith("-") && word !== "-") return readShort(word)
    const { children } = command
    if (children === undefined) {
      // What follows would be flags of the command that is to run, and its faults would be blamed on them.
      if (command.rest !== undefined && positional.length === (command.arguments ?? []).length) {
        return fail(`"${word}" is one argument too many: put -- before the command that is to run.`)
      }
      positional.push(word)
      return Result.void
    }
    const child = children.find((known) => known.name === word)
    if (child === undefined) {
      const near = nearest(
        word,
        children.map((known) => known.name)
      )
      return fail(`${path.join(" ")} has no command "${word}".`, near === undefined ? undefined : `"${near}"`)
    }
    command = child
    path.push(child.name)
    return Result.void
  }

  while (at < words.length) {
    const word = words[at++] ?? ""
    if (word === "--") {
      rest = words.slice(at)
      break
    }
    const read = readWord(word)
    if (Result.isFailure(read)) return Result.fail(read.failure)
  }

  const parsed: Parsed = { command, path, flags, given, arguments: positional, rest, wantsHelp }
  return wantsHelp ? Result.succeed(parsed) : Result.map(checkOperands(parsed, fail), () => parsed)
}

const checkOperands = (
  { arguments: given, command, path, rest }: Parsed,
  fail: (detail: string) => Result.Result<never, UsageError>
): Result.Result<void, UsageError> => {
  if (command.children !== undefined) {
    return fail(`${path.join(" ")} needs a command: ${command.children.map(({ name }) => name).join(", ")}.`)
  }
  const wanted = command.arguments ?? []
  const missing = wanted.find(({ isOptional }, index) => isOptional !== true && given[index] === undefined)
  if (missing !== undefined) return fail(`${path.join(" ")} needs ${missing.name}: ${missing.summary}.`)
  for (const [index, { choices, name }] of wanted.entries()) {
    const value = given[index]
    if (value !== undefined && choices !== undefined && !choices.includes(value)) {
      return fail(`${name} is one of ${choices.join(", ")}, not "${value}".`)
    }
  }
  const extra = given[wanted.length]
  if (extra !== undefined && !wanted.some(({ isRepeatable }) => isRepeatable === true))
    return fail(`${path.join(" ")} takes no further argument: "${extra}".`)
  if (rest !== undefined && command.rest === undefined) return fail(`${path.join(" ")} takes nothing after --.`)
  return Result.void
}
