/**
 * Processes on the machine at the other end of a serial console, as Effect's own service: a program that was written for
 * local processes runs there unchanged, several at once over the one console.
 *
 * Every process is a session leader of its own between pipes on the machine: its process id is its own, stdout and stderr
 * are apart, and its group is ended as that of a local one is, by the end of its scope. What it prints comes in pieces with
 * a checksum, which the machine keeps until they came whole; what it reads is compared before it is passed on. A process
 * whose output nobody reads is held back.
 *
 * **Gotchas**
 *
 * Fails with `BadArgument` for what no other machine can do: `inherit`, a duplex file descriptor, one past 9, and
 * variables that a POSIX shell has no name for. An exit code of 130 or 141 counts as the end by SIGINT or SIGPIPE, since no
 * shell tells them apart. When this side is gone the processes are ended as soon as somebody else uses the console; work
 * that must go on is a job.
 *
 * @since 0.1.0
 */
import { Effect, Layer, type PlatformError, RcRef, type Scope } from "effect"
import { ChildProcessSpawner } from "effect/process"
import * as ProcessSpawner from "@toehold/shell/ProcessSpawner"
import * as Session from "./internal/process/session.ts"
import * as Spawn from "./internal/process/spawn.ts"
import type * as SerialError from "./SerialError.ts"
import { SerialShell } from "./SerialShell.ts"

const tagOf = ({ reason }: SerialError.SerialError): PlatformError.SystemErrorTag | "BadArgument" => {
  switch (reason._tag) {
    case "NotFound":
    case "PermissionDenied":
      return reason._tag
    case "InvalidArgument":
      return "BadArgument"
    case "FileFailed":
      return "BadResource"
    case "PortBusy":
      return "Busy"
    case "CommandTimeout":
    case "IdleTimeout":
      return "TimedOut"
    default:
      return "Unknown"
  }
}

/** How long the console is kept for the next process. */
const keptFor = "1 second"

/**
 * Processes over the shell of the context. Nothing is typed before the first one is started.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: Effect.Effect<ChildProcessSpawner.ChildProcessSpawner["Service"], never, SerialShell | Scope.Scope> =
  Effect.gen(function* () {
    const shell = yield* SerialShell
    const scope = yield* Effect.scope
    const sessions = yield* RcRef.make({ acquire: Session.make(shell), idleTimeToLive: keptFor })
    /** A process that is let go of needs the console until it ends. */
    const keep = (effect: Effect.Effect<unknown, SerialError.SerialError>) =>
      Effect.andThen(RcRef.get(sessions), effect).pipe(
        Effect.ignore,
        Effect.scoped,
        Effect.forkIn(scope),
        Effect.asVoid
      )
    const current = Effect.gen(function* () {
      const session = yield* RcRef.get(sessions)
      if (!session.isOver()) return session
      // One that has ended serves nobody any more, though some may still hear from it why.
      yield* RcRef.invalidate(sessions)
      return yield* RcRef.get(sessions)
    })
    return ProcessSpawner.make<SerialError.SerialError>({
      spawn: (command, options) => Effect.flatMap(current, (session) => Spawn.spawn(session, command, options, keep)),
      tagOf
    })
  })

/**
 * Processes over the shell of the context, as a layer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<ChildProcessSpawner.ChildProcessSpawner, never, SerialShell> = Layer.effect(
  ChildProcessSpawner.ChildProcessSpawner,
  make
)
