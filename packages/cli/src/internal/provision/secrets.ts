/** Secrets for a machine's scripts: from the environment, a file, or a person who is asked. Never from the command line. */
import { Effect, type FileSystem, Redacted, Stream } from "effect"
import { ClientPlatform } from "@toehold/ssh-core/ClientPlatform"
import type { SshError } from "@toehold/ssh-core/SshError"
import { StandardStreams } from "../../StandardStreams.ts"
import type { UsageError } from "../../UsageError.ts"
import type { Invocation } from "../commandSpec.ts"
import { readBounded } from "../machine.ts"

export type Secrets = Readonly<Record<string, Redacted.Redacted<string>>>

const pattern = /^([A-Za-z_][A-Za-z0-9_]{0,63})(?:=@(.+))?$/

const maxSecret = 64 * 1024
const enter = /[\r\n]/
const erased = /[^\u007f\b][\u007f\b]/

/** What is typed, unseen, up to Enter. Backspace takes back. */
const askFor = Effect.fnUntraced(function* (invocation: Invocation, name: string) {
  const { keyboard, stderr } = yield* StandardStreams
  if (keyboard === undefined) {
    return yield* invocation.usage(
      `--secret ${name}: the environment variable is not set, and there is nobody to ask.`,
      `Export ${name}, or give --secret ${name}=@FILE.`
    )
  }
  yield* Effect.ignore(stderr(`${name}: `))
  const typed = yield* keyboard.raw.pipe(
    Effect.andThen(
      keyboard.keys.pipe(
        Stream.decodeText,
        Stream.scan(
          () => "",
          (line, text) => (line + text).slice(0, maxSecret)
        ),
        Stream.takeUntil((line) => enter.test(line) || line.includes("\u0003")),
        Stream.runLast
      )
    ),
    Effect.scoped
  )
  yield* Effect.ignore(stderr("\n"))
  let value = (typed._tag === "Some" ? typed.value : "").split(enter, 1)[0] ?? ""
  while (erased.test(value)) value = value.replace(erased, "")
  if (value === "" || value.includes("\u0003")) return yield* invocation.usage(`--secret ${name}: nothing was typed.`)
  return Redacted.make(value, { label: name })
})

/** The secrets that the flags name. */
export const readSecrets = Effect.fnUntraced(function* (
  invocation: Invocation
): Effect.fn.Return<Secrets, UsageError | SshError, StandardStreams | ClientPlatform | FileSystem.FileSystem> {
  const { env } = yield* ClientPlatform
  const secrets: Record<string, Redacted.Redacted<string>> = {}
  for (const given of invocation.all("secret")) {
    const [, name, file] = pattern.exec(given) ?? []
    if (name === undefined) {
      // What stands there may be the secret itself.
      return yield* invocation.usage(
        "--secret takes a name, or NAME=@FILE: a value on the command line would be seen by others.",
        "Export the variable and give its name alone."
      )
    }
    if (file !== undefined) {
      const text = new TextDecoder().decode(yield* readBounded(file, maxSecret))
      secrets[name] = Redacted.make(text.replace(/\r?\n$/, ""), { label: name })
      continue
    }
    const value = Object.hasOwn(env, name) ? env[name] : undefined
    secrets[name] =
      value === undefined || value === "" ? yield* askFor(invocation, name) : Redacted.make(value, { label: name })
  }
  return secrets
})
