/** The flags that say what to run on a machine, which several commands share. */
import { Effect, Redacted } from "effect"
import { ClientPlatform } from "@toehold/ssh-core/ClientPlatform"
import * as SshError from "@toehold/ssh-core/SshError"
import type { FlagSpec, Invocation } from "./commandSpec.ts"

/** What the command is, in which folder and environment it starts, and what it reads. */
export const commandFlags: ReadonlyArray<FlagSpec> = [
  { name: "shell", value: "TEXT", summary: "Run this shell text (/bin/sh -c) instead of a command after --" },
  { name: "cwd", value: "DIR", summary: "Start in this folder; ~/ is the login folder" },
  { name: "env", value: "NAME=VALUE", isRepeatable: true, summary: "Set a variable" },
  {
    name: "env-from",
    value: "NAME",
    isRepeatable: true,
    summary: "Set a variable from the caller's environment, kept secret on the way"
  },
  { name: "stdin", value: "FILE", isFile: true, summary: "What the command reads; - for standard input" }
]

/** The command after `--`, or the text of `--shell`. */
export const readWords = Effect.fnUntraced(function* (invocation: Invocation) {
  const [program, ...args] = invocation.rest ?? []
  const text = invocation.one("shell")
  if (text !== undefined && program !== undefined) {
    return yield* invocation.usage("The command is given twice: by --shell and after --.")
  }
  if (text !== undefined) return { kind: "shell" as const, words: [text] as const }
  if (program === undefined) {
    return yield* invocation.usage("There is no command: put it after --, or give shell text with --shell.")
  }
  return { kind: "argv" as const, words: [program, ...args] as const }
})

/** What `--env` sets. */
export const readVariables = Effect.fnUntraced(function* (invocation: Invocation) {
  const env: Record<string, string> = {}
  for (const text of invocation.all("env")) {
    const equals = text.indexOf("=")
    if (equals < 1) return yield* invocation.usage(`--env ${text}: write it as NAME=VALUE.`)
    env[text.slice(0, equals)] = text.slice(equals + 1)
  }
  return env
})

/** What `--env` and `--env-from` set. */
export const readEnvironment = Effect.fnUntraced(function* (invocation: Invocation) {
  const platform = yield* ClientPlatform
  const env: Record<string, string | Redacted.Redacted<string>> = { ...(yield* readVariables(invocation)) }
  for (const name of invocation.all("env-from")) {
    const value = Object.hasOwn(platform.env, name) ? platform.env[name] : undefined
    if (value === undefined) {
      return yield* SshError.make(
        new SshError.InvalidArgument({
          argument: `--env-from ${name}`,
          detail: "the environment variable is not set",
          hint: "Export the variable, or give its value with --env NAME=VALUE if it is no secret."
        })
      )
    }
    env[name] = Redacted.make(value)
  }
  return env
})
