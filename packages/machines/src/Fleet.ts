/**
 * One piece of work for many machines: so many at a time, the results as they come, the failure of one kept apart from
 * the others.
 *
 * @since 0.1.0
 */
import { Deferred, Effect, Exit, Option, Queue, Stream } from "effect"

/**
 * What became of one machine's part. `Stopped` had begun when another one's failure ended everything, and may have run;
 * `NotStarted` certainly did not.
 *
 * @since 0.1.0
 * @category models
 */
export type Result<A, E> =
  | { readonly _tag: "Done"; readonly machine: string; readonly value: A }
  | { readonly _tag: "Failed"; readonly machine: string; readonly error: E }
  | { readonly _tag: "Stopped"; readonly machine: string }
  | { readonly _tag: "NotStarted"; readonly machine: string }

/**
 * @since 0.1.0
 * @category models
 */
export interface Options<A> {
  /** How many machines are worked on at a time. Default: 32. */
  readonly concurrency?: number | undefined
  /** Start nothing more after the first failure, and interrupt what is under way. Default: `false`. */
  readonly failFast?: boolean | undefined
  /** Which values count as a failure, for `failFast`. Default: none. */
  readonly isFailure?: ((value: A) => boolean) | undefined
}

/**
 * How many machines are worked on at a time unless told otherwise.
 *
 * @since 0.1.0
 * @category constants
 */
export const defaultConcurrency = 32

/**
 * Does the work for each machine and hands out each result when it is there; there is one for every machine, and the
 * stream itself never fails. Its end before the last result interrupts what is under way.
 *
 * @since 0.1.0
 * @category running
 */
export const run = <A, E, R>(
  machines: ReadonlyArray<string>,
  work: (machine: string) => Effect.Effect<A, E, R>,
  options: Options<A> = {}
): Stream.Stream<Result<A, E>, never, R> =>
  Stream.callback<Result<A, E>, never, R>((queue) =>
    Effect.gen(function* () {
      const over = yield* Deferred.make<void>()
      const fail = options.failFast === true ? Deferred.succeed(over, undefined) : Effect.void
      const part = Effect.fnUntraced(function* (machine: string): Effect.fn.Return<Result<A, E>, never, R> {
        if (Deferred.isDoneUnsafe(over)) return { _tag: "NotStarted", machine }
        const ended = yield* Effect.raceFirst(
          Effect.asSome(Effect.result(work(machine))),
          Effect.as(Deferred.await(over), Option.none())
        )
        if (Option.isNone(ended)) return { _tag: "Stopped", machine }
        if (ended.value._tag === "Failure") {
          yield* fail
          return { _tag: "Failed", machine, error: ended.value.failure }
        }
        if (options.isFailure?.(ended.value.success) === true) yield* fail
        return { _tag: "Done", machine, value: ended.value.success }
      })
      yield* Effect.forEach(
        machines,
        (machine) => Effect.flatMap(part(machine), (result) => Queue.offer(queue, result)),
        { concurrency: options.concurrency ?? defaultConcurrency, discard: true }
      )
    }).pipe(Effect.onExit((exit) => (Exit.isSuccess(exit) ? Queue.end(queue) : Queue.failCause(queue, exit.cause))))
  )
