/**
 * A machine that was opened, as programs without Effect pass it from the package that can reach it to the one that works
 * on it.
 *
 * @since 0.1.0
 */
import { Effect, Exit, Option, Scope } from "effect"
import type { ChildProcessSpawner } from "effect/process"

const TypeId = "~@toehold/shell/MachineHandle"

/**
 * A machine that was opened. There is nothing to do with it but to pass it on, and to close it.
 *
 * @since 0.1.0
 * @category models
 */
export interface MachineHandle {
  readonly [TypeId]: unknown
  /** Ends everything that was started on it, and the connection. It never rejects. */
  readonly close: () => Promise<void>
}

/**
 * A handle for processes that an effect opens; rejects with that effect's error where it fails. What the effect acquires
 * is released when the handle is closed.
 *
 * @since 0.1.0
 * @category constructors
 */
export const open = async <E>(
  processes: Effect.Effect<ChildProcessSpawner.ChildProcessSpawner["Service"], E, Scope.Scope>,
  options: { readonly signal?: AbortSignal | undefined } = {}
): Promise<MachineHandle> => {
  const scope = Scope.makeUnsafe()
  const opened = await Effect.runPromise(
    Scope.provide(processes, scope).pipe(Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))),
    options.signal === undefined ? {} : { signal: options.signal }
  )
  return { [TypeId]: opened, close: () => Effect.runPromise(Scope.close(scope, Exit.void)) }
}

/**
 * The processes of a handle; nothing for a value that is none.
 *
 * @since 0.1.0
 * @category accessors
 */
export const processes = (handle: unknown): Option.Option<ChildProcessSpawner.ChildProcessSpawner["Service"]> =>
  typeof handle === "object" && handle !== null && TypeId in handle
    ? // Nobody but `open` makes a value with this key, of whichever copy of the package.
      Option.some(handle[TypeId] as ChildProcessSpawner.ChildProcessSpawner["Service"])
    : Option.none()
