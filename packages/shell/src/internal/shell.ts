/** Runs scripts with the machine's shell: one process a call. */
import { Cause, Effect, Fiber, type PlatformError, Predicate, Queue, Ref, Semaphore, Sink, Stream } from "effect"
import type { Scope } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import * as ShellTools from "../ShellTools.ts"
import * as Failure from "./failure.ts"
import { prelude } from "./script/prelude.ts"

export interface Call {
  /** The method of `FileSystem` and the path that an error names. */
  readonly method: string
  readonly path: string
  readonly script: string
  readonly args: ReadonlyArray<string>
  readonly stdin?: ChildProcess.CommandInput | undefined
}

/** A script that runs; `end` fails as the script says. */
export interface Running {
  readonly stdin: ChildProcessSpawner.ChildProcessHandle["stdin"]
  readonly stdout: ChildProcessSpawner.ChildProcessHandle["stdout"]
  readonly end: Effect.Effect<void, PlatformError.PlatformError>
}

/** One that prints lines; `line` is the next one, or the failure of a script that ended without it. */
export interface Talking extends Running {
  readonly line: Effect.Effect<string, PlatformError.PlatformError>
}

export interface Shell {
  readonly tools: Effect.Effect<ShellTools.ShellTools, PlatformError.PlatformError>
  readonly start: (call: Call) => Effect.Effect<Running, PlatformError.PlatformError, Scope.Scope>
  readonly talk: (call: Call) => Effect.Effect<Talking, PlatformError.PlatformError, Scope.Scope>
  /** Runs to the end; what the script printed, of which it is sure that it is all. */
  readonly run: (call: Call) => Effect.Effect<Uint8Array, PlatformError.PlatformError>
}

/** Longer than any message of a script's. */
const maxStderr = 4096

/** A piece of a large input: enough to keep a pipe full, little enough to wait for. */
const pieceBytes = 256 * 1024

/** Bytes as a program's standard input. */
export const input = (bytes: Uint8Array): Stream.Stream<Uint8Array> =>
  Stream.fromIterable(
    Array.from({ length: Math.ceil(bytes.length / pieceBytes) }, (_, at) =>
      bytes.subarray(at * pieceBytes, (at + 1) * pieceBytes)
    )
  )

/** A path as a program's argument: no option, and no `-` for the standard input. */
export const argument = (path: string): string => (path.startsWith("-") ? `./${path}` : path)

/** What no machine has to be asked about. */
export const checkArguments = ({ args, method, path }: Call): Effect.Effect<void, PlatformError.PlatformError> =>
  args.some((arg) => arg.includes("\0"))
    ? Effect.fail(Failure.badArgument(method, "the path holds a NUL, which no path can"))
    : path === ""
      ? Effect.fail(Failure.failure("ENOENT", { method, path }))
      : Effect.void

const collect = (stream: Stream.Stream<Uint8Array, PlatformError.PlatformError>, limit = Infinity) =>
  Effect.map(
    Stream.runFold(
      stream,
      () => ({ chunks: [] as Array<Uint8Array>, length: 0 }),
      (all, chunk) => {
        if (all.length < limit) {
          all.chunks.push(chunk)
          all.length += chunk.length
        }
        return all
      }
    ),
    ({ chunks }): Uint8Array => (chunks.length === 1 ? (chunks[0] ?? new Uint8Array(0)) : Buffer.concat(chunks))
  )

export const make = Effect.fnUntraced(function* (
  program: string
): Effect.fn.Return<Shell, never, ChildProcessSpawner.ChildProcessSpawner> {
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const known = yield* Ref.make<ShellTools.ShellTools | undefined>(undefined)
  const probing = yield* Semaphore.make(1)

  const probe = Effect.gen(function* () {
    const found =
      (yield* Ref.get(known)) ??
      (yield* ShellTools.probe(program).pipe(
        Effect.provideService(ChildProcessSpawner.ChildProcessSpawner, spawner),
        Effect.mapError((error) => Failure.ofSpawner(error, { method: "probe", path: program }))
      ))
    yield* Ref.set(known, found)
    return found
  })

  // A probe that failed, or was interrupted, is tried again by the next who asks.
  const tools = Effect.filterOrElse(Ref.get(known), Predicate.isNotUndefined, () => probing.withPermits(1)(probe))

  const start = Effect.fnUntraced(function* (
    call: Call
  ): Effect.fn.Return<Running, PlatformError.PlatformError, Scope.Scope> {
    const { args, method, path, script } = call
    yield* checkArguments(call)
    const named = (error: PlatformError.PlatformError) => Failure.ofSpawner(error, call)
    const command = ChildProcess.make(program, ["-c", `${prelude}${script}`, "sh", ...args], {
      stdin: call.stdin ?? "ignore",
      forceKillAfter: "2 seconds"
    })
    const handle = yield* Effect.mapError(spawner.spawn(command), named)
    const words = yield* Effect.forkScoped(collect(Stream.mapError(handle.stderr, named), maxStderr))
    const end = Effect.gen(function* () {
      const exit = yield* Effect.mapError(handle.exitCode, named)
      if (exit === 0) return
      const said = Buffer.from(yield* Fiber.join(words))
      const stderr = said.toString("utf8", 0, maxStderr).trim()
      return yield* Failure.fromExit(exit, { method, path, stderr })
    })
    return { stdin: Sink.mapError(handle.stdin, named), stdout: Stream.mapError(handle.stdout, named), end }
  })

  const talk = Effect.fnUntraced(function* (call: Call) {
    const running = yield* start(call)
    const lines = yield* Queue.unbounded<string, PlatformError.PlatformError | Cause.Done>()
    yield* running.stdout.pipe(Stream.decodeText, Stream.splitLines, Stream.runIntoQueue(lines), Effect.forkScoped)
    const silent = Effect.andThen(
      running.end,
      Effect.fail(Failure.failure("UNKNOWN", { method: call.method, path: call.path, stderr: "the shell ended" }))
    )
    return { ...running, line: Effect.catchIf(Queue.take(lines), Cause.isDone, () => silent) }
  })

  const run = Effect.fnUntraced(function* (call: Call) {
    const { end, stdout } = yield* start(call)
    const [output] = yield* Effect.all([collect(stdout), end], { concurrency: "unbounded" })
    return output
  }, Effect.scoped)

  return { tools, start, talk, run }
})
