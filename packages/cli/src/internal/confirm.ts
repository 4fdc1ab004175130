/** The question before what can't be undone. */
import { Effect, Stream } from "effect"
import { ClientPlatform } from "@toehold/ssh-core/ClientPlatform"
import { StandardStreams } from "../StandardStreams.ts"
import type { FlagSpec, Invocation } from "./commandSpec.ts"
import { note, plain } from "./print.ts"

export const yesFlag: FlagSpec = {
  name: "yes",
  summary: "Do it without asking, which nobody but a person at a terminal is"
}

/** Longer than any answer. */
const maxAnswer = 100

/** What is typed up to the end of a line. */
const readLine = (keys: Stream.Stream<Uint8Array>): Effect.Effect<string> =>
  keys.pipe(
    Stream.scan(
      () => "",
      (line, typed) => line + new TextDecoder().decode(typed)
    ),
    Stream.takeUntil((line) => /[\r\n]/.test(line) || line.length > maxAnswer),
    Stream.runLast,
    Effect.map((last) => (last._tag === "Some" ? last.value.trim() : ""))
  )

/**
 * Whether to go on: with `--yes`, or when the person at the terminal says so. Without a person it fails, and says what
 * would have been done.
 */
export const confirm = Effect.fnUntraced(function* (invocation: Invocation, consequence: string) {
  if (invocation.has("yes")) return true
  const { keyboard, stderr, terminal } = yield* StandardStreams
  const { env } = yield* ClientPlatform
  if (keyboard === undefined || terminal === undefined || (env["CI"] ?? "") !== "") {
    return yield* invocation.usage(
      `Nothing was done. ${plain(consequence)}`,
      "If that is what you want, give the same command with --yes."
    )
  }
  yield* Effect.ignore(stderr(`${plain(consequence)}\nGo on? [y/N] `))
  const isYes = /^y(?:es)?$/i.test(yield* readLine(keyboard.keys))
  if (!isYes) yield* note("nothing was done.")
  return isYes
})
