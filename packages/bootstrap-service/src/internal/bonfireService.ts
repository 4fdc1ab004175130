import { Cause, Context, DateTime, Effect, Exit, Fiber, Layer, Logger, Option, Result, Schedule, Stream } from "effect"
import { HttpClient } from "effect/http"
import * as BootstrapError from "../BootstrapError.ts"
import * as MemoryStore from "../MemoryStore.ts"
import * as SessionConfig from "../SessionConfig.ts"
import { inOrder } from "../SessionStep.ts"
import { SessionStore } from "../SessionStore.ts"
import * as StepPolicy from "../StepPolicy.ts"
import { clockOf, http, machines } from "./bonfireMachine.ts"
import type {
  BootstrapConfig,
  BootstrapResult,
  BootstrapService,
  BootstrapServiceOptions,
  SessionRowPatch,
  SessionStatus
} from "./bonfireModel.ts"
import * as Rows from "./bonfireRows.ts"
import { makeSessionRun, type StepEnd } from "./sessionRun.ts"
import { look } from "./step/health.ts"
import { aborted as stepAborted } from "./stepRecords.ts"
import { ipv4 } from "./words.ts"

/** How often the caller's row is looked at for somebody else's change. */
const watchInterval = "1 second"
const reports = { reportInterval: "250 millis", reportsPerSecond: 1000 } as const
const requestTimeout = "2 seconds"

const defaultPort = 4096
const defaultHealthTimeoutMs = 120_000
const defaultHealthIntervalMs = 1000

const textOf = ({ fix, message }: { readonly fix: string; readonly message: string }): string => `${message} ${fix}`

const failure = (errorMessage: string): BootstrapResult => ({ success: false, errorMessage })

const isNoLonger = (id: string, status: string): BootstrapResult =>
  failure(`The session "${id}" is ${status}: it is not being created any more.`)

/** The configuration without fields that are there and undefined, which stand for the default. */
const given = (value: unknown): unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(
        Object.entries(value).flatMap(([key, item]) => (item === undefined ? [] : [[key, given(item)]]))
      )
    : value

const aborted = (signal: AbortSignal): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (signal.aborted) return resume(Effect.void)
    const stop = () => resume(Effect.void)
    signal.addEventListener("abort", stop, { once: true })
    return Effect.sync(() => signal.removeEventListener("abort", stop))
  })

/** One session from its first step to its end, in the caller's row all the while. */
const bootstrapWith = Effect.fnUntraced(function* (
  { onStep, store: rows }: BootstrapServiceOptions,
  config: SessionConfig.SessionConfig,
  signal: AbortSignal | undefined
) {
  const id = config.sessionId
  const store = yield* SessionStore
  const write = Effect.fnUntraced(function* (
    patch: Omit<SessionRowPatch, "updatedAt">,
    ifStatus: ReadonlyArray<SessionStatus> = ["creating"]
  ) {
    return yield* Rows.write(rows, id, patch, DateTime.toDateUtc(yield* DateTime.now), ifStatus)
  })

  const row = yield* Rows.find(rows, id)
  if (row === undefined) return yield* BootstrapError.make(new BootstrapError.SessionNotFound({ id }))
  if (row.status === "archived") return isNoLonger(id, row.status)
  if (row.status === "ready") {
    return { success: true, ...(typeof row.workspacePath === "string" ? { workspacePath: row.workspacePath } : {}) }
  }
  const first = Rows.progress(rows, "Waiting to begin")
  if (!(yield* write({ status: "creating", vmId: config.vmId, ...first }, ["creating", "error"]))) {
    return isNoLonger(id, "changed")
  }

  const { createdAt, run, vmId } = yield* store.create({ config })
  const own = { sessionId: id, createdAt, run, vmId }
  const stopped = Effect.ignore(store.update(id, { status: "archived" }, { ifStatus: "creating" }))

  const mirror = store.watch(id, { after: 1 }).pipe(
    Stream.takeWhile(({ status }) => status === "creating"),
    Stream.tap(({ at, message, step }) =>
      Effect.ignore(
        Effect.try(() => onStep?.({ sessionId: id, step, message, at: DateTime.toDateUtc(DateTime.makeUnsafe(at)) }))
      )
    ),
    // Of what came while a row was being written the newest is what matters.
    Stream.buffer({ capacity: 1, strategy: "sliding" }),
    Stream.runForEach(({ message }) =>
      Effect.flatMap(
        Effect.orElseSucceed(write(Rows.progress(rows, message)), () => true),
        (isOurs) => (isOurs ? Effect.void : stopped)
      )
    )
  )
  const watch = Rows.find(rows, id).pipe(
    Effect.flatMap((found) => (found?.status === "creating" ? Effect.void : stopped)),
    Effect.ignore,
    Effect.delay(watchInterval),
    Effect.forever
  )
  const abort = Effect.gen(function* () {
    if (signal === undefined) return
    yield* aborted(signal)
    yield* store.modify(id, stepAborted)
  })

  const bystanders = yield* Effect.forEach([Effect.ignore(mirror), watch, Effect.ignore(abort)], (effect) =>
    Effect.forkChild(effect)
  )
  const { opener, step, stop } = yield* makeSessionRun({ policies: StepPolicy.defaults, ...reports })
  const open = yield* opener(own)
  let end: StepEnd = "done"
  for (const name of inOrder) {
    if (end === "done") end = yield* step(own, name, open)
  }
  if (end === "stopped") yield* stop(own, open)
  yield* Fiber.interruptAll(bystanders)

  const last = yield* store.get(id)
  switch (last.status) {
    case "ready": {
      const workspacePath = last.workspacePath ?? ""
      const patch = { status: "ready", workspacePath, errorMessage: null } as const
      const isWritten = yield* write(rows.hasStep === true ? { ...patch, step: null } : patch)
      return isWritten ? { success: true, workspacePath } : isNoLonger(id, "changed")
    }
    case "error": {
      const errorMessage = last.failure === null ? last.message : textOf(last.failure)
      yield* write({ status: "error", errorMessage })
      return failure(errorMessage)
    }
    default:
      return isNoLonger(id, "changed")
  }
})

/**
 * A service that makes agent sessions on machines that have nothing but a console, for programs without Effect.
 *
 * @since 0.1.0
 * @category constructors
 */
export const createBootstrapService = (options: BootstrapServiceOptions): BootstrapService => {
  const clock = options.clock === undefined ? Context.empty() : clockOf(options.clock)
  /** What each machine is busy with. */
  const busy = new Map<string, { readonly sessionId: string; readonly result: Promise<BootstrapResult> }>()

  /** The result of an effect that ends in one, however it ends. */
  const settle = async (
    effect: Effect.Effect<BootstrapResult, BootstrapError.BootstrapError>
  ): Promise<BootstrapResult> => {
    const exit = await Effect.runPromiseExitWith(clock)(effect)
    if (Exit.isSuccess(exit)) return exit.value
    const error = Cause.findErrorOption(exit.cause)
    return failure(
      Option.isSome(error) ? textOf(error.value) : `The bootstrap failed: ${String(Cause.squash(exit.cause))}`
    )
  }

  /** A session that can't even begin is in error, if there is one. */
  const refuse = (id: unknown, error: BootstrapError.BootstrapError) =>
    Effect.gen(function* () {
      const errorMessage = textOf(error)
      const now = DateTime.toDateUtc(yield* DateTime.now)
      if (typeof id === "string") {
        yield* Effect.ignore(Rows.write(options.store, id, { status: "error", errorMessage }, now, ["creating"]))
      }
      return failure(errorMessage)
    })

  const bootstrap: BootstrapService["bootstrap"] = (input, { signal } = {}) => {
    const { pipeDir, ...fields }: Partial<BootstrapConfig> = typeof input === "object" && input !== null ? input : {}
    const decoded = SessionConfig.decode(given(fields))
    if (Result.isFailure(decoded)) return settle(refuse(fields.sessionId, decoded.failure))
    const config = decoded.success
    const { sessionId, vmId } = config
    const current = busy.get(vmId)
    if (current?.sessionId === sessionId) return current.result
    if (current !== undefined) {
      const error = BootstrapError.make(new BootstrapError.MachineBusy({ vmId, sessionId: current.sessionId }))
      return settle(refuse(sessionId, error))
    }
    // What there is to tell is in the row: a program's own log is no place for ours.
    const layer = Layer.mergeAll(MemoryStore.layer, machines(options, pipeDir), Logger.layer([]))
    const result = settle(Effect.scoped(Effect.provide(bootstrapWith(options, config, signal), layer))).finally(() =>
      busy.delete(vmId)
    )
    busy.set(vmId, { sessionId, result })
    return result
  }

  const pollHealthEndpoint: BootstrapService["pollHealthEndpoint"] = async (
    ip,
    port = defaultPort,
    timeoutMs = defaultHealthTimeoutMs,
    intervalMs = defaultHealthIntervalMs
  ) => {
    if (typeof ip !== "string" || ipv4(ip) !== undefined || !Number.isInteger(port) || port < 1 || port > 65535)
      return false
    const poll = Effect.gen(function* () {
      const client = yield* HttpClient.HttpClient
      const once = look(client, { ip, port, password: undefined, requestTimeout })
      return yield* Effect.repeat(once, {
        until: (seen) => seen._tag === "Healthy",
        schedule: Schedule.spaced(Math.max(1, intervalMs))
      })
    }).pipe(
      Effect.timeoutOption(Math.max(0, timeoutMs)),
      Effect.map(Option.isSome),
      Effect.provide(http(options.fetch))
    )
    const exit = await Effect.runPromiseExitWith(clock)(poll)
    return Exit.isSuccess(exit) && exit.value
  }

  return { bootstrap, pollHealthEndpoint }
}
