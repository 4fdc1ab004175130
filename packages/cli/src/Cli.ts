/**
 * The program: from the words of a command line to an exit code.
 *
 * @since 0.1.0
 */
import { Effect, Result } from "effect"
import { InstanceMemory } from "@toehold/machines/InstanceMemory"
import * as ExitCode from "./ExitCode.ts"
import * as FailureDocument from "./FailureDocument.ts"
import type { CommandSpec, Parsed, Services as Services_ } from "./internal/commandSpec.ts"
import { helpText } from "./internal/helpText.ts"
import { instanceMemory } from "./internal/instanceMemory.ts"
import { makeInvocation } from "./internal/invocation.ts"
import * as Logging from "./internal/logging.ts"
import { parseArguments } from "./internal/parseArguments.ts"
import { print } from "./internal/print.ts"
import { topicNames } from "./internal/topicNames.ts"
import { root } from "./internal/tree.ts"
import { StandardStreams } from "./StandardStreams.ts"

/**
 * What the program needs of the world.
 *
 * @since 0.1.0
 * @category models
 */
export type Services = Services_

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** What `--version` prints. */
  readonly version: string
}

/**
 * Runs a command line, the words after the program's name, and answers its exit code (see `ExitCode`). Results go to
 * standard output, everything else to standard error; with `--json` a failure is a document on standard output.
 *
 * Interruption ends what the command runs on the machine.
 *
 * @since 0.1.0
 * @category running
 */
export const run = (words: ReadonlyArray<string>, options: Options): Effect.Effect<number, never, Services> => {
  if (words.length === 0) return Effect.as(orNothing(print(rootHelp)), ExitCode.done)
  if (words[0] === "--version") return Effect.as(orNothing(print(`${options.version}\n`)), ExitCode.done)
  const parsed = parseArguments(root, words)
  if (Result.isFailure(parsed)) return report(parsed.failure, formatOf(words), ExitCode.usage)
  const { command, path, wantsHelp } = parsed.success
  return wantsHelp
    ? Effect.as(orNothing(print(helpText(command, path, topicNames))), ExitCode.done)
    : runCommand(command, parsed.success)
}

const rootHelp = helpText(root, [root.name], topicNames)

const runCommand = (command: CommandSpec, parsed: Parsed): Effect.Effect<number, never, Services> => {
  const invocation = makeInvocation(parsed)
  const { load } = command
  if (load === undefined) return Effect.die(`${invocation.name} has nothing to run`)
  const logging = Logging.layer(invocation.one("log-level"), invocation.one("log-format"))
  return Effect.promise(load).pipe(
    Effect.flatMap((handler) => handler(invocation)),
    Effect.catch((failure) =>
      report(failure, formatOf([...parsed.flags.keys()].map((name) => `--${name}`)), failureCode(command, failure))
    ),
    Effect.provide(logging),
    Effect.provideServiceEffect(InstanceMemory, instanceMemory)
  )
}

const failureCode = (command: CommandSpec, failure: FailureDocument.Failure): number =>
  (command.failureCode ?? ExitCode.ofFailure)(failure)

type Format = "text" | "json" | "ndjson"

/** Also for a command line that can't be understood: its caller still reads what it asked for. */
const formatOf = (words: ReadonlyArray<string>): Format => {
  const end = words.indexOf("--")
  const own = end === -1 ? words : words.slice(0, end)
  return own.includes("--ndjson") ? "ndjson" : own.includes("--json") ? "json" : "text"
}

const report = (
  failure: FailureDocument.Failure,
  format: Format,
  exitCode: number
): Effect.Effect<number, never, StandardStreams> =>
  Effect.gen(function* () {
    const { stderr, stdout } = yield* StandardStreams
    const document = FailureDocument.of(failure)
    // A reader that went away knows.
    if (failure._tag === "OutputFailed" && failure.isClosed) return exitCode
    const isText = format === "text" || failure._tag === "OutputFailed"
    yield* orNothing(
      isText
        ? stderr(FailureDocument.toText(failure))
        : stdout(`${JSON.stringify(format === "json" ? document : { event: "error", ...document })}\n`)
    )
    return exitCode
  })

/** What can't be printed can't be reported either; the exit code remains. */
const orNothing = <E, R>(printing: Effect.Effect<void, E, R>): Effect.Effect<void, never, R> => Effect.ignore(printing)
