/** A server program that runs in the scope: started on a free port, its log captured, ended with all it started. */
import { Effect, Exit, Fiber, Option, Ref, Scope, Stream, SubscriptionRef } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { LabError } from "../LabError.ts"
import type { ServerControls } from "../SshServer.ts"
import { freePort } from "./freePort.ts"
import * as ProcessTree from "./processTree.ts"

export interface Options {
  readonly name: string
  readonly address: string
  /** The command line that listens on the port and logs to stderr. */
  readonly command: (port: number) => readonly [program: string, ...args: ReadonlyArray<string>]
  /** What the log says once the server listens. */
  readonly ready: RegExp
}

export interface ServerProcess {
  readonly port: number
  readonly log: Effect.Effect<string>
  readonly controls: ServerControls
}

interface Running {
  readonly pid: number
  readonly scope: Scope.Closeable
}

const attempts = 5

export const make = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<ServerProcess, LabError, Scope.Scope | ChildProcessSpawner.ChildProcessSpawner> {
  const outer = yield* Effect.scope
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const log = yield* SubscriptionRef.make("")
  const current = yield* Ref.make(Option.none<Running>())

  const awaitLogFrom = (offset: number, pattern: RegExp): Effect.Effect<string> =>
    SubscriptionRef.changes(log).pipe(
      Stream.map((text) => text.slice(offset)),
      Stream.filter((text) => text.search(pattern) !== -1),
      Stream.runHead,
      Effect.flatMap(Option.match({ onNone: () => Effect.never, onSome: Effect.succeed }))
    )

  const endSessionsOf = (pid: number, port: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      const found = ProcessTree.belongingTo(pid, port)
      return found.length === 0
        ? Effect.void
        : Effect.andThen(
            ProcessTree.end(found),
            Effect.suspend(() => endSessionsOf(pid, port))
          )
    })

  const launch = Effect.fnUntraced(function* (port: number) {
    const scope = yield* Scope.fork(outer)
    const offset = (yield* SubscriptionRef.get(log)).length
    const [program, ...args] = options.command(port)
    const start = Effect.gen(function* () {
      const handle = yield* spawner
        .spawn(
          ChildProcess.make(program, args, {
            stdin: "ignore",
            stdout: "ignore",
            stderr: "pipe",
            killSignal: "SIGKILL"
          })
        )
        .pipe(
          Scope.provide(scope),
          Effect.mapError((cause) => new LabError({ message: `${options.name} did not start`, cause }))
        )
      const drain = yield* handle.stderr.pipe(
        Stream.decodeText,
        Stream.runForEach((text) => SubscriptionRef.update(log, (before) => before + text)),
        Effect.ignore,
        Effect.forkIn(scope)
      )
      yield* Scope.addFinalizer(
        scope,
        Effect.flatMap(handle.isRunning, (isRunning) => {
          // The pid of a server that ended by itself may name another process by now.
          if (!isRunning) return ProcessTree.end(ProcessTree.sessionsOf(port))
          // A suspended server takes no new connection while its sessions are ended.
          ProcessTree.suspend(handle.pid)
          return endSessionsOf(handle.pid, port)
        }).pipe(Effect.ignore)
      )
      yield* Effect.raceFirst(
        awaitLogFrom(offset, options.ready),
        Effect.gen(function* () {
          yield* Effect.exit(handle.exitCode)
          yield* Fiber.await(drain)
          const said = (yield* SubscriptionRef.get(log)).slice(offset)
          return yield* new LabError({ message: `${options.name} ended before it listened:\n${said.slice(-2000)}` })
        })
      )
      yield* Ref.set(current, Option.some({ pid: handle.pid, scope }))
    })
    yield* start.pipe(Effect.onError(() => Scope.close(scope, Exit.void)))
  })

  const launchOnFreePort = Effect.fnUntraced(function* (left: number): Effect.fn.Return<number, LabError> {
    const port = yield* freePort(options.address)
    return yield* launch(port).pipe(
      Effect.as(port),
      Effect.catchIf(
        (error) => left > 1 && /address already in use/i.test(error.message),
        () => launchOnFreePort(left - 1)
      )
    )
  })

  const port = yield* launchOnFreePort(attempts)
  const running = Effect.flatMap(
    Ref.get(current),
    Option.match({
      onNone: () => Effect.fail(new LabError({ message: `${options.name} is stopped` })),
      onSome: (found) => Effect.succeed(found)
    })
  )
  const stop = Effect.flatMap(
    Ref.getAndSet(current, Option.none()),
    Option.match({ onNone: () => Effect.void, onSome: (found) => Scope.close(found.scope, Exit.void) })
  )
  return {
    port,
    log: SubscriptionRef.get(log),
    controls: {
      pid: Effect.map(running, (found) => found.pid),
      awaitLog: (pattern) => awaitLogFrom(0, pattern),
      endSessions: Effect.flatMap(running, (found) => endSessionsOf(found.pid, port)),
      stop,
      restart: Effect.andThen(stop, launch(port))
    }
  }
})
