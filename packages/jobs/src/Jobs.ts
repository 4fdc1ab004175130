/**
 * Commands that outlive their connection, on any machine that has a process spawner and a POSIX shell.
 *
 * @since 0.1.0
 */
import { Context, Duration, Effect, Layer, Option, Redacted, Stream } from "effect"
import { type ChildProcess, ChildProcessSpawner } from "effect/process"
import { follow } from "./internal/follow.ts"
import { checkId, randomWord } from "./internal/jobId.ts"
import { encodeDescription, type JobLine } from "./internal/jobLine.ts"
import { pieceOf } from "./internal/piece.ts"
import { type Asked, refusal } from "./internal/refusal.ts"
import { ask, type Request, retrying } from "./internal/remote.ts"
import type { Item } from "./internal/replies.ts"
import * as Control from "./internal/script/control.ts"
import * as FollowScript from "./internal/script/follow.ts"
import * as StartScript from "./internal/script/start.ts"
import * as Supervise from "./internal/script/supervise.ts"
import { describe, limitsOf, specLine } from "./internal/specLine.ts"
import type { JobEvent, Piece, StreamName } from "./JobOutput.ts"
import * as JobsError from "./JobsError.ts"
import type { JobSpec } from "./JobSpec.ts"
import type { JobStatus } from "./JobStatus.ts"

/**
 * Where following begins.
 *
 * @since 0.1.0
 * @category models
 */
export interface FollowOptions {
  /** The streams to follow (default: both). */
  readonly streams?: ReadonlyArray<StreamName> | undefined
  /** Offset in each stream to begin at (default: 0). */
  readonly from?: Readonly<Partial<Record<StreamName, number>>> | undefined
}

/**
 * What to read.
 *
 * @since 0.1.0
 * @category models
 */
export interface ReadOptions {
  /** Default: stdout. */
  readonly stream?: StreamName | undefined
  /** Default: 0. */
  readonly offset?: number | undefined
  /** Default: 1 MiB. */
  readonly maxBytes?: number | undefined
}

/**
 * How to end a job. Without options SIGTERM is sent, and SIGKILL 10 seconds later to what is left.
 *
 * @since 0.1.0
 * @category models
 */
export interface KillOptions {
  /** The signal for the whole process group (default: SIGTERM). */
  readonly killSignal?: ChildProcess.Signal | undefined
  /** When to send SIGKILL to what is left. Never, where a signal is given and this isn't. */
  readonly forceKillAfter?: Duration.Input | undefined
}

/**
 * The jobs of one machine and user. Whatever reads tries again by itself while the machine is out of reach, and so does
 * `start`, since the machine starts one id only once.
 *
 * @since 0.1.0
 * @category services
 */
export class Jobs extends Context.Service<
  Jobs,
  {
    /**
     * Starts a job and returns when its process runs. Under an id that is taken by the same command it finds the job that
     * is there; another command is `AlreadyExists`.
     */
    readonly start: (spec: JobSpec) => Effect.Effect<JobStatus, JobsError.JobsError>
    /** Every job there is, by id. */
    readonly list: Effect.Effect<ReadonlyArray<JobStatus>, JobsError.JobsError>
    readonly status: (id: string) => Effect.Effect<JobStatus, JobsError.JobsError>
    /**
     * Output as it comes, until the job ends. The next byte after any number of lost connections is the one after the
     * last that was emitted.
     */
    readonly follow: (id: string, options?: FollowOptions) => Stream.Stream<JobEvent, JobsError.JobsError>
    /** What a stream has now from an offset on. */
    readonly read: (id: string, options?: ReadOptions) => Effect.Effect<Piece, JobsError.JobsError>
    /** Waits for the end. With a `timeout` it fails with `WaitTimeout` when that is over, and the job goes on. */
    readonly wait: (
      id: string,
      options?: { readonly timeout?: Duration.Input | undefined }
    ) => Effect.Effect<JobStatus, JobsError.JobsError>
    /** Ends a job. One that is over stays what it is. */
    readonly kill: (id: string, options?: KillOptions) => Effect.Effect<JobStatus, JobsError.JobsError>
    /** Removes a job that is over, with its output. */
    readonly forget: (id: string) => Effect.Effect<void, JobsError.JobsError>
    /** Removes the jobs that have been over for that long (default: all that are over), and answers which. */
    readonly prune: (options?: {
      readonly olderThan?: Duration.Input | undefined
    }) => Effect.Effect<ReadonlyArray<JobStatus>, JobsError.JobsError>
  }
>()("@toehold/jobs/Jobs") {}

/**
 * Options of the service.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** How long a machine may be out of reach before a call fails (default: 5 minutes). */
  readonly reconnectFor?: Duration.Input | undefined
}

/** What every script has answered within. */
const patience = Duration.seconds(60)

/** A slow link's rate, for the input of a job. */
const slowBytesPerMilli = 20

/** A chunk of an answer, as long as what holds it. */
const defaultReadBytes = 1024 * 1024

const bothStreams: ReadonlyArray<StreamName> = ["stdout", "stderr"]

const defaultGrace = Duration.seconds(10)

/**
 * The service on the spawner that is there.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function* (
  options: Options = {}
): Effect.fn.Return<Jobs["Service"], never, ChildProcessSpawner.ChildProcessSpawner> {
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const reconnectFor = options.reconnectFor ?? Duration.minutes(5)
  const again = retrying(reconnectFor)

  const once = (request: Request, asked: Asked): Effect.Effect<ReadonlyArray<Item>, JobsError.JobsError> =>
    ask(spawner, request).pipe(
      Stream.mapEffect((item) =>
        item._tag === "Refusal" ? Effect.fail(refusal(asked, item.code, item.detail)) : Effect.succeed(item)
      ),
      Stream.runCollect
    )

  const start = Effect.fn("Jobs.start")(function* (spec: JobSpec) {
    const id = yield* Effect.fromResult(checkId(spec.id ?? (yield* randomWord(12))))
    const line = yield* Effect.fromResult(specLine(spec))
    const limits = yield* Effect.fromResult(limitsOf(spec))
    const description = yield* describe(spec)
    const input = inputOf(spec)
    const head = new TextEncoder().encode(`${line}\n`)
    const payload = new Uint8Array(head.length + (input?.length ?? 0))
    payload.set(head)
    if (input !== undefined) payload.set(input, head.length)
    let mayHaveRun = false
    const attempt = Effect.gen(function* () {
      const request: Request = {
        script: StartScript.start,
        args: [
          id,
          yield* randomWord(8),
          encodeDescription(description),
          input === undefined ? "-" : String(input.length),
          ...limits.map(String),
          Supervise.run,
          Supervise.main
        ],
        id,
        input: payload,
        changes: true,
        silence: Duration.sum(patience, Duration.millis(payload.length / slowBytesPerMilli))
      }
      const asked = { id, command: spec.kind === "shell" ? "sh" : (spec.words[0] ?? ""), cwd: spec.cwd }
      return yield* oneJob(id, yield* once(request, asked))
    }).pipe(Effect.tapError((error) => Effect.sync(() => void (mayHaveRun ||= error.outcome === "may-have-run"))))
    const job = yield* attempt.pipe(
      Effect.retry(again),
      Effect.mapError((error) => (mayHaveRun ? afterAttempt(error) : error))
    )
    if (job.digest !== description.digest) {
      return yield* JobsError.make(new JobsError.AlreadyExists({ id, command: job.status.command }))
    }
    return job.status
  })

  const jobs = (request: Pick<Request, "script" | "args">, changes = false) =>
    once({ ...request, changes, silence: patience }, { id: request.args[0] ?? "" }).pipe(
      Effect.retry(again),
      Effect.map(jobsOf)
    )

  const status = Effect.fn("Jobs.status")(function* (id: string) {
    const args = [yield* Effect.fromResult(checkId(id))]
    const [job] = yield* jobs({ script: Control.list, args })
    return job === undefined ? yield* JobsError.make(new JobsError.NotFound({ id })) : job.status
  })

  const followFrom = (id: string, from: Readonly<Partial<Record<StreamName, number>>>) =>
    Stream.unwrap(Effect.map(Effect.fromResult(checkId(id)), () => follow(spawner, { id, from, reconnectFor })))

  const read = Effect.fn("Jobs.read")(function* (id: string, options: ReadOptions = {}) {
    const { maxBytes = defaultReadBytes, offset = 0, stream = "stdout" } = options
    yield* Effect.fromResult(checkId(id))
    yield* checkCount("The offset", offset, 0)
    yield* checkCount("maxBytes", maxBytes, 1)
    const positions = stream === "stdout" ? [String(offset), "-"] : ["-", String(offset)]
    const items = yield* once(
      {
        script: FollowScript.follow,
        args: [id, ...positions, String(maxBytes), "60000"],
        id,
        changes: false,
        silence: patience
      },
      { id }
    ).pipe(Effect.retry(again))
    return pieceOf(items, stream, offset)
  })

  const wait = Effect.fn("Jobs.wait")(function* (
    id: string,
    { timeout }: { readonly timeout?: Duration.Input | undefined } = {}
  ) {
    const end = Effect.gen(function* () {
      const last = yield* Stream.runLast(followFrom(id, {}))
      if (Option.isSome(last) && last.value._tag === "Ended") return last.value.status
      return yield* JobsError.make(new JobsError.NotFound({ id }))
    })
    if (timeout === undefined) return yield* end
    const timeoutMs = Duration.toMillis(timeout)
    return yield* Effect.timeoutOrElse(end, {
      duration: timeout,
      orElse: () => Effect.fail(JobsError.make(new JobsError.WaitTimeout({ id, timeoutMs })))
    })
  })

  const kill = Effect.fn("Jobs.kill")(function* (id: string, options: KillOptions = {}) {
    yield* Effect.fromResult(checkId(id))
    const signal = options.killSignal ?? "SIGTERM"
    const grace = options.forceKillAfter ?? (options.killSignal === undefined ? defaultGrace : undefined)
    const graceMillis = grace === undefined ? undefined : Math.ceil(Duration.toMillis(grace))
    const request: Request = {
      script: Control.kill,
      args: [id, signal.slice("SIG".length), graceMillis === undefined ? "-" : String(graceMillis)],
      id,
      changes: true,
      silence: Duration.sum(patience, Duration.millis(graceMillis ?? 0))
    }
    // Another signal than these may count how often it comes.
    const isRepeatable = graceMillis !== undefined || signal === "SIGTERM" || signal === "SIGKILL"
    const attempt = once(request, { id, signal })
    return (yield* oneJob(id, yield* isRepeatable ? Effect.retry(attempt, again) : attempt)).status
  })

  const forget = Effect.fn("Jobs.forget")(function* (id: string) {
    yield* Effect.fromResult(checkId(id))
    let mayHave = false
    yield* once({ script: Control.forget, args: [id], id, changes: true, silence: patience }, { id }).pipe(
      // Of an attempt whose answer was lost it is what it left: nothing.
      Effect.catchIf(
        ({ reason }) => mayHave && reason._tag === "NotFound",
        () => Effect.void
      ),
      Effect.tapError((error) => Effect.sync(() => void (mayHave ||= error.outcome === "may-have-run"))),
      Effect.retry(again)
    )
  })

  const prune = Effect.fn("Jobs.prune")(function* ({
    olderThan = 0
  }: { readonly olderThan?: Duration.Input | undefined } = {}) {
    const seconds = Math.ceil(Duration.toSeconds(olderThan))
    return (yield* jobs({ script: Control.prune, args: [String(seconds)] }, true)).map(({ status }) => status)
  })

  return {
    start,
    list: Effect.map(jobs({ script: Control.list, args: [] }), (found) => found.map(({ status }) => status)).pipe(
      Effect.withSpan("Jobs.list")
    ),
    status,
    follow: (id, { from = {}, streams = bothStreams } = {}) =>
      Stream.unwrap(
        Effect.as(
          Effect.forEach(streams, (name) => checkCount(`The offset in ${name}`, from[name] ?? 0, 0)),
          followFrom(id, Object.fromEntries(streams.map((name) => [name, from[name] ?? 0])))
        )
      ),
    read,
    wait,
    kill,
    forget,
    prune
  }
})

const jobsOf = (items: ReadonlyArray<Item>): ReadonlyArray<JobLine> =>
  items.flatMap((item) => (item._tag === "Job" ? [item.job] : []))

const oneJob = (id: string, items: ReadonlyArray<Item>): Effect.Effect<JobLine, JobsError.JobsError> =>
  Effect.suspend(() => {
    const [job] = jobsOf(items)
    return job === undefined ? Effect.fail(JobsError.make(new JobsError.NotFound({ id }))) : Effect.succeed(job)
  })

/** The failure of a last attempt, where an earlier one may have taken effect. */
const afterAttempt = (error: JobsError.JobsError): JobsError.JobsError => {
  const { reason } = error
  const outcome = "may-have-run"
  switch (reason._tag) {
    case "Transport": {
      // A cause is no enumerable field of an error.
      const { cause, id } = reason
      return JobsError.make(new JobsError.Transport({ cause, outcome, ...(id === undefined ? {} : { id }) }))
    }
    case "BadReply":
      return JobsError.make(new JobsError.BadReply({ ...reason, outcome }))
    default:
      return error
  }
}

const inputOf = ({ stdin }: JobSpec): Uint8Array | undefined => {
  if (stdin === undefined || stdin instanceof Uint8Array) return stdin
  return new TextEncoder().encode(Redacted.isRedacted(stdin) ? Redacted.value(stdin) : stdin)
}

const checkCount = (argument: string, count: number, least: number): Effect.Effect<void, JobsError.JobsError> =>
  Number.isSafeInteger(count) && count >= least && count < 1e15
    ? Effect.void
    : Effect.fail(
        JobsError.make(
          new JobsError.InvalidArgument({ argument, detail: `it must be a whole number of ${least} or more` })
        )
      )

/**
 * The service as a layer, on the spawner of a machine.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<Jobs, never, ChildProcessSpawner.ChildProcessSpawner> = Layer.effect(Jobs, make())

/**
 * The same with options.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerWith = (options: Options): Layer.Layer<Jobs, never, ChildProcessSpawner.ChildProcessSpawner> =>
  Layer.effect(Jobs, make(options))
