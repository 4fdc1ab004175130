/** The flags and arguments of one call, read as what they mean. */
import { Effect, Redacted, Result } from "effect"
import { ClientPlatform } from "@toehold/ssh-core/ClientPlatform"
import * as SshError from "@toehold/ssh-core/SshError"
import { UsageError } from "../UsageError.ts"
import { parseDuration } from "./duration.ts"
import type { Invocation, Parsed } from "./commandSpec.ts"
import { flagsOf } from "./parseArguments.ts"
import { parseSize } from "./size.ts"

export const makeInvocation = (parsed: Parsed): Invocation => {
  const name = parsed.path.join(" ")
  const known = new Set(flagsOf(parsed.command).map((flag) => flag.name))
  const all = (flag: string): ReadonlyArray<string> => {
    // A misspelt name in a command of ours would otherwise read as "not given" for ever.
    if (!known.has(flag)) throw new Error(`${name} has no flag --${flag}`)
    return parsed.flags.get(flag) ?? []
  }
  const one = (flag: string): string | undefined => all(flag)[0]
  const usage = (detail: string, hint?: string): UsageError =>
    new UsageError({ detail, hint: hint ?? `See: ${name} --help` })
  const read = <A>(flag: string, parse: (text: string) => Result.Result<A, string>) => {
    const text = one(flag)
    return text === undefined
      ? Effect.undefined
      : Effect.fromResult(Result.mapError(parse(text), (fault) => usage(`--${flag} ${text}: ${fault}.`)))
  }
  return {
    ...parsed,
    name,
    all,
    one,
    has: (flag) => all(flag).length > 0,
    argument: (index) => parsed.arguments[index] ?? "",
    duration: (flag) => read(flag, parseDuration),
    size: (flag) => read(flag, parseSize),
    usage
  }
}

/** The secret in the environment variable that a flag names. An empty one counts as missing: it is a slip, not a secret. */
export const secretFromEnvironment = Effect.fnUntraced(function* (
  flag: string,
  name: string
): Effect.fn.Return<Redacted.Redacted<string>, SshError.SshError, ClientPlatform> {
  const { env } = yield* ClientPlatform
  const value = Object.hasOwn(env, name) ? env[name] : undefined
  if (value === undefined || value === "") {
    return yield* SshError.make(
      new SshError.InvalidArgument({
        argument: `--${flag} ${name}`,
        detail: `the environment variable is ${value === undefined ? "not set" : "empty"}`,
        hint: "Give the name of the variable that holds the secret, and export it."
      })
    )
  }
  return Redacted.make(value)
})
