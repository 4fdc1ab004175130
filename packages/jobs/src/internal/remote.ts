/** Running a script on the machine and reading its answer. */
import { Effect, PlatformError, Result, Schedule, Stream } from "effect"
import type { Duration } from "effect"
import { ChildProcess, type ChildProcessSpawner } from "effect/process"
import * as JobsError from "../JobsError.ts"
import { mayHaveStarted } from "./verdict.ts"
import { type Item, ReplyReader } from "./replies.ts"

export interface Request {
  readonly script: string
  readonly args: ReadonlyArray<string>
  /** The job that it is about. */
  readonly id?: string
  readonly input?: Uint8Array | undefined
  /** Whether something may have changed on the machine when the answer doesn't come. */
  readonly changes: boolean
  /** The script says something at least this often. */
  readonly silence: Duration.Input
}

export type Spawner = ChildProcessSpawner.ChildProcessSpawner["Service"]

/** Whether the same question may get an answer after a while. */
const isTransient = ({ reason }: JobsError.JobsError): boolean =>
  (reason._tag === "BadReply" || reason._tag === "Transport") && reason.isRetryable

const transport =
  ({ changes, id }: Request) =>
  (cause: PlatformError.PlatformError): JobsError.JobsError => {
    const ran = changes && mayHaveStarted(cause)
    return JobsError.make(
      new JobsError.Transport({
        cause,
        outcome: ran ? "may-have-run" : "did-not-run",
        ...(id === undefined ? {} : { id })
      })
    )
  }

const badReply = ({ changes, id }: Request, detail: string): JobsError.JobsError =>
  JobsError.make(
    new JobsError.BadReply({
      detail,
      outcome: changes ? "may-have-run" : "did-not-run",
      ...(id === undefined ? {} : { id })
    })
  )

const silent = PlatformError.systemError({
  _tag: "TimedOut",
  module: "ChildProcess",
  method: "stdout",
  description: "the machine fell silent"
})

const maxWords = 2000

/** The items of a script's answer. Ends only where the answer does; breaking off is a failure. */
export const ask = (spawner: Spawner, request: Request): Stream.Stream<Item, JobsError.JobsError> =>
  Effect.gen(function* () {
    const reader = new ReplyReader()
    let words = ""
    const handle = yield* spawner
      .spawn(
        ChildProcess.make("sh", ["-c", request.script, "toehold-job", ...request.args], {
          stdin: request.input === undefined ? "ignore" : Stream.make(request.input),
          forceKillAfter: "2 seconds"
        })
      )
      .pipe(Effect.mapError(transport(request)))
    const overheard = handle.stderr.pipe(
      Stream.decodeText,
      Stream.tap((text) => Effect.sync(() => void (words = (words + text).slice(-maxWords))))
    )
    const ending = Effect.gen(function* () {
      if (reader.isOver) return
      const code = yield* Effect.mapError(handle.exitCode, transport(request))
      return yield* badReply(
        request,
        `it broke off, with exit code ${code}${words === "" ? "" : ` and: ${words.trim()}`}`
      )
    })
    return handle.stdout.pipe(
      Stream.timeoutOrElse({ duration: request.silence, orElse: () => Stream.fail(silent) }),
      Stream.drainFork(overheard),
      Stream.mapError(transport(request)),
      Stream.mapEffect((chunk) =>
        Effect.fromResult(Result.mapError(reader.push(chunk), (detail) => badReply(request, detail)))
      ),
      Stream.flattenIterable,
      Stream.concat(Stream.fromEffectDrain(ending))
    )
  }).pipe(Stream.unwrap)

/** How often a machine may answer nonsense before it counts as its last word. */
const maxNonsense = 5

/**
 * When to try again: nearly at once at first, every ten seconds in the end, for as long as the machine may be out of reach.
 */
export const retrying = (reconnectFor: Duration.Input) =>
  Schedule.min([Schedule.exponential("25 millis"), Schedule.spaced("10 seconds")]).pipe(
    Schedule.jittered,
    Schedule.upTo({ duration: reconnectFor }),
    Schedule.setInputType<JobsError.JobsError>(),
    Schedule.while(
      ({ attempt, input }) => isTransient(input) && (input.reason._tag === "Transport" || attempt <= maxNonsense)
    )
  )
