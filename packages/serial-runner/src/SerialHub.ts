/**
 * The consoles of one process: whoever asks for the same port gets the same console, and other processes are kept away.
 *
 * @since 0.1.0
 */
import { Context, type Duration, Effect, FileSystem, Layer, Path, RcMap, type Scope } from "effect"
import { ChildProcessSpawner } from "effect/process"
import * as ConsoleShare from "./ConsoleShare.ts"
import * as PortLock from "./internal/portLock.ts"
import * as SerialConsole from "./SerialConsole.ts"
import type * as SerialError from "./SerialError.ts"
import * as SerialPort from "./SerialPort.ts"
import * as SerialTarget from "./SerialTarget.ts"

/**
 * How the consoles behave.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options extends SerialConsole.Options, SerialPort.Options {
  /** How long a console that nobody uses stays open. Default: not at all. */
  readonly idleTimeToLive?: Duration.Input | undefined
  /** Lets other processes of this user look on and type, by `ConsoleShare.join`. Default: `true`. */
  readonly isShared?: boolean | undefined
}

/**
 * Gives out consoles.
 *
 * @since 0.1.0
 * @category services
 */
export class SerialHub extends Context.Service<
  SerialHub,
  {
    /** The console of a port, open as long as somebody's scope holds it. Fails with `PortBusy` or `PortMissing`. */
    readonly console: (
      target: SerialTarget.SerialTarget
    ) => Effect.Effect<SerialConsole.SerialConsole["Service"], SerialError.SerialError, Scope.Scope>
  }
>()("@toehold/serial-runner/SerialHub") {}

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fn("SerialHub.make")(function* (
  options: Options = {}
): Effect.fn.Return<
  SerialHub["Service"],
  never,
  Scope.Scope | FileSystem.FileSystem | Path.Path | ChildProcessSpawner.ChildProcessSpawner
> {
  const targets = new Map<string, SerialTarget.SerialTarget>()
  const consoles = yield* RcMap.make({
    lookup: (name: string) =>
      Effect.gen(function* () {
        const target = targets.get(name)
        if (target === undefined) return yield* Effect.die(`no port is named ${name}`)
        yield* PortLock.make(target)
        const port = yield* SerialPort.make(target, options)
        const console = yield* Effect.provideService(SerialConsole.make(options), SerialPort.SerialPort, port)
        if (options.isShared !== false) yield* ConsoleShare.serve(console, target)
        return console
      }),
    idleTimeToLive: options.idleTimeToLive ?? 0
  })
  return {
    console: (target) =>
      Effect.suspend(() => {
        const name = SerialTarget.format(target)
        targets.set(name, target)
        return RcMap.get(consoles, name)
      })
  }
})

/**
 * The hub as a layer: one for a process.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Options = {}
): Layer.Layer<SerialHub, never, FileSystem.FileSystem | Path.Path | ChildProcessSpawner.ChildProcessSpawner> =>
  Layer.effect(SerialHub, make(options))
