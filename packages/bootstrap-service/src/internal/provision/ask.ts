/** Asking a machine by a script: one process, a bounded answer in lines of `name<TAB>value`. */
import { Effect, Redacted, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { PlatformError } from "effect"
import * as ProvisionError from "../../ProvisionError.ts"
import type { Step } from "../../ProvisionEvent.ts"

export interface Question {
  readonly step: Step
  readonly script: string
  readonly args?: ReadonlyArray<string>
  readonly stdin?: string | Redacted.Redacted<string>
  /** Whether something may have changed on the machine when the answer doesn't come. */
  readonly changes?: boolean
}

export interface Answer {
  readonly exitCode: number
  readonly stdout: string
  /** The end of it. */
  readonly stderr: string
}

/** More than any script here says, less than would hurt. */
const maxAnswer = 512 * 1024
const maxWords = 2000

const keepUpTo = (limit: number) => (text: string, more: string) =>
  text.length >= limit ? text : (text + more).slice(0, limit)

const failed =
  ({ changes, step }: Question) =>
  (cause: PlatformError.PlatformError) =>
    ProvisionError.make(
      new ProvisionError.MachineFailed({
        step,
        detail: cause.reason.description ?? cause.message,
        outcome: changes === true ? "may-have-run" : "did-not-run",
        cause
      })
    )

/** Runs the script with `sh -c`; its exit code is a value. */
export const ask = (
  question: Question
): Effect.Effect<Answer, ProvisionError.ProvisionError, ChildProcessSpawner.ChildProcessSpawner> =>
  Effect.gen(function* () {
    const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
    const { args = [], script, stdin } = question
    const input = stdin === undefined || typeof stdin === "string" ? stdin : Redacted.value(stdin)
    const child = yield* spawner.spawn(
      ChildProcess.make("sh", ["-c", script, "toehold", ...args], {
        stdin: input === undefined ? "ignore" : Stream.make(new TextEncoder().encode(input)),
        forceKillAfter: "2 seconds"
      })
    )
    const [stdout, stderr] = yield* Effect.all(
      [
        Stream.runFold(Stream.decodeText(child.stdout), () => "", keepUpTo(maxAnswer)),
        Stream.runFold(
          Stream.decodeText(child.stderr),
          () => "",
          (text, more) => (text + more).slice(-maxWords)
        )
      ],
      { concurrency: 2 }
    )
    return { exitCode: Number(yield* child.exitCode), stdout, stderr }
  }).pipe(Effect.scoped, Effect.mapError(failed(question)))

/** The values of each name, in their order. */
export type Said = ReadonlyMap<string, ReadonlyArray<string>>

export const readLines = (stdout: string): Said => {
  const said = new Map<string, Array<string>>()
  for (const line of stdout.split("\n")) {
    const tab = line.indexOf("\t")
    if (tab <= 0) continue
    const name = line.slice(0, tab)
    const values = said.get(name)
    if (values === undefined) said.set(name, [line.slice(tab + 1)])
    else values.push(line.slice(tab + 1))
  }
  return said
}

/** The same for a script that must come to its end: it says `end` last. */
export const askLines = Effect.fnUntraced(function* (
  question: Question
): Effect.fn.Return<Said, ProvisionError.ProvisionError, ChildProcessSpawner.ChildProcessSpawner> {
  const { exitCode, stderr, stdout } = yield* ask(question)
  const said = readLines(stdout)
  if (said.has("end")) return said
  return yield* ProvisionError.make(
    new ProvisionError.MachineFailed({
      step: question.step,
      detail: `its shell broke off with exit code ${exitCode}${stderr.trim() === "" ? "" : `: ${stderr.trim()}`}`,
      outcome: question.changes === true ? "may-have-run" : "did-not-run"
    })
  )
})

export const one = (said: Said, name: string): string | undefined => said.get(name)?.[0]

/** What every script begins with. */
export const prelude = `th_say() { printf '%s\\t%s\\n' "$1" "$2"; }
th_has() { command -v "$1" >/dev/null 2>&1; }`

/** A word of shell text. */
export const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`
