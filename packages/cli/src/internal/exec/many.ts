/** One command on many machines: each result as it comes, the failure of one kept apart from the others. */
import { Clock, Effect, Stream } from "effect"
import * as Fleet from "@toehold/machines/Fleet"
import type { OutputChunk } from "@toehold/ssh-core/SshExec"
import * as ExitCode from "../../ExitCode.ts"
import * as FailureDocument from "../../FailureDocument.ts"
import { StandardStreams } from "../../StandardStreams.ts"
import type { Invocation, Services } from "../commandSpec.ts"
import { HeartbeatInterval } from "../heartbeat.ts"
import { note, plain, printJson } from "../print.ts"
import { type Answer, answer, events, follow, type Seen } from "./following.ts"
import { PrefixedLines } from "./prefixedLines.ts"
import type { Request } from "./request.ts"

interface Options {
  readonly concurrency: number | undefined
  readonly failFast: boolean
}

/** The failure of one machine is a result; that nothing can be printed any more concerns all. */
const isEverybodys = (failure: FailureDocument.Failure): boolean => failure._tag === "OutputFailed"

const over = <A, E extends FailureDocument.Failure, R>(
  request: Request,
  options: Options,
  work: (name: string) => Effect.Effect<A, E, R>,
  exitCodeOf: (value: A) => number
) =>
  Fleet.run(request.names, work, { ...options, isFailure: (value) => exitCodeOf(value) !== ExitCode.done }).pipe(
    Stream.mapEffect((result) =>
      result._tag === "Failed" && isEverybodys(result.error) ? Effect.fail(result.error) : Effect.succeed(result)
    )
  )

/** Why a machine has no result of its own, for the document. */
const stopped = (result: { readonly _tag: "Stopped" | "NotStarted"; readonly machine: string }) => ({
  machine: result.machine,
  error: {
    reason: result._tag,
    message:
      result._tag === "Stopped"
        ? "The command was killed because another machine's failed (--fail-fast)."
        : "The command was not started because another machine's had failed (--fail-fast).",
    fix: "Look at the machine that failed first.",
    isRetryable: result._tag === "NotStarted",
    outcome: result._tag === "Stopped" ? "may-have-run" : "did-not-run",
    details: {}
  }
})

/** The code of the whole: the highest that one of the machines would have had alone. */
const worst = (codes: ReadonlyArray<number>): number => Math.max(ExitCode.done, ...codes)

type Run = (request: Request, options: Options) => Effect.Effect<number, FailureDocument.Failure, Services>

const printDocuments: Run = Effect.fnUntraced(function* (request, options) {
  const found = new Map<string, Answer>()
  const work = (name: string) => answer(request, name)
  yield* Stream.runForEach(
    over(request, options, work, ({ exitCode }) => exitCode),
    (result) =>
      Effect.sync(() => {
        const { machine } = result
        switch (result._tag) {
          case "Done":
            return found.set(machine, result.value)
          case "Failed":
            return found.set(machine, {
              document: { machine, ...FailureDocument.of(result.error) },
              exitCode: ExitCode.ofExecFailure(result.error)
            })
          default:
            return found.set(machine, { document: stopped(result), exitCode: ExitCode.done })
        }
      })
  )
  const answers = request.names.flatMap((name) => found.get(name) ?? [])
  yield* printJson({ results: answers.map(({ document }) => document) })
  return worst(answers.map(({ exitCode }) => exitCode))
})

const printEvents: Run = Effect.fnUntraced(function* (request, options) {
  const begin = yield* Clock.currentTimeMillis
  const all: Array<Seen> = []
  const sum = (stream: keyof Seen) => all.reduce((total, seen) => total + seen[stream], 0)
  const heartbeat = Effect.gen(function* () {
    for (;;) {
      yield* Effect.sleep(yield* HeartbeatInterval)
      const elapsedMs = Math.max(0, (yield* Clock.currentTimeMillis) - begin)
      yield* printJson({ event: "heartbeat", elapsedMs, stdoutBytes: sum("stdout"), stderrBytes: sum("stderr") })
    }
  })
  const codes: Array<number> = []
  const work = (name: string) =>
    Effect.suspend(() => {
      const seen = { stdout: 0, stderr: 0 }
      all.push(seen)
      return events(request, name, seen, (event) => {
        const { event: kind, machine: _machine, ...rest } = event as Record<string, unknown> // a plain object
        return printJson({ event: kind, machine: name, ...rest })
      })
    })
  const results = Stream.runForEach(
    over(request, options, work, (code) => code),
    (result) => {
      if (result._tag === "Done") codes.push(result.value)
      return result._tag === "Stopped" || result._tag === "NotStarted"
        ? printJson({ event: "error", ...stopped(result) })
        : Effect.void
    }
  )
  yield* Effect.raceFirst(results, heartbeat)
  return worst(codes)
})

const printLines: Run = Effect.fnUntraced(function* (request, options) {
  const streams = yield* StandardStreams
  const write = (stream: OutputChunk["stream"], bytes: Uint8Array) =>
    bytes.length === 0 ? Effect.void : streams[stream](bytes)
  const codes: Array<number> = []
  const work = (name: string) =>
    Effect.suspend(() => {
      const lines = { stdout: new PrefixedLines(name), stderr: new PrefixedLines(name) }
      const rest = Effect.suspend(() =>
        Effect.andThen(write("stdout", lines.stdout.end()), write("stderr", lines.stderr.end()))
      )
      return follow(request, name, {
        piece: (stream, { bytes }) => write(stream, lines[stream].push(bytes)),
        gap: (stream, { bytes, offset }) =>
          Effect.andThen(
            write(stream, lines[stream].end()),
            Effect.provideService(
              note(`${name}: ${bytes} bytes of ${stream} from offset ${offset} on were left out.`),
              StandardStreams,
              streams
            )
          )
      }).pipe(
        Effect.tap(() => rest),
        Effect.tapError((failure) => (isEverybodys(failure) ? Effect.void : rest))
      )
    })
  yield* Stream.runForEach(over(request, options, work, ExitCode.ofStatus), (result) => {
    const { machine } = result
    switch (result._tag) {
      case "Done": {
        const code = ExitCode.ofStatus(result.value)
        codes.push(code)
        const { prompt, signal } = result.value
        const end = signal === null ? `exited with ${code}` : `was ended by ${signal}`
        const question = prompt === undefined ? "" : ` It wanted an answer: ${plain(prompt.text)} ${prompt.fix}`
        return code === ExitCode.done ? Effect.void : note(`${machine}: the command ${end}.${question}`)
      }
      case "Failed": {
        codes.push(ExitCode.ofExecFailure(result.error))
        return Effect.andThen(note(`${machine}: ${result.error.message}`), note(`${machine}: ${result.error.fix}`))
      }
      default:
        return note(`${machine}: ${stopped(result).error.message}`)
    }
  })
  return worst(codes)
})

export const execMany = (
  invocation: Invocation,
  request: Request,
  options: Options
): Effect.Effect<number, FailureDocument.Failure, Services> =>
  (invocation.has("json") ? printDocuments : invocation.has("ndjson") ? printEvents : printLines)(request, options)
