/** The command that a command line asks to be run on a machine, and the flags that say so. */
import { Effect, Redacted } from "effect"
import { ClientPlatform } from "@toehold/ssh-core/ClientPlatform"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import * as SshError from "@toehold/ssh-core/SshError"
import type { UsageError } from "../UsageError.ts"
import type { Invocation } from "./commandSpec.ts"

/** The command that the words after `--` or `--shell` name, with its folder and its environment. */
export const readCommand = Effect.fnUntraced(function* (
  invocation: Invocation,
  takes: { readonly secretVariables: boolean }
): Effect.fn.Return<SshCommand.SshCommand, UsageError | SshError.SshError, ClientPlatform> {
  const options = { cwd: invocation.one("cwd"), env: yield* readEnvironment(invocation, takes.secretVariables) }
  const [program, ...args] = invocation.rest ?? []
  const text = invocation.one("shell")
  if (text !== undefined && program !== undefined) {
    return yield* invocation.usage("The command is given twice: by --shell and after --.")
  }
  if (text !== undefined) return SshCommand.shell(text, options)
  if (program === undefined) {
    return yield* invocation.usage("There is no command: put it after --, or give shell text with --shell.")
  }
  return SshCommand.argv([program, ...args], options)
})

const readEnvironment = Effect.fnUntraced(function* (invocation: Invocation, takesSecrets: boolean) {
  const platform = yield* ClientPlatform
  const env: Record<string, string | Redacted.Redacted<string>> = {}
  for (const text of invocation.all("env")) {
    const equals = text.indexOf("=")
    if (equals < 1) return yield* invocation.usage(`--env ${text}: write it as NAME=VALUE.`)
    env[text.slice(0, equals)] = text.slice(equals + 1)
  }
  for (const name of takesSecrets ? invocation.all("env-from") : []) {
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
