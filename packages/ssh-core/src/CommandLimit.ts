/**
 * The time limit of a command, which counts from the request: what has to be waited for before it runs is a part of it.
 *
 * @since 0.1.0
 */
import { Clock, Context, Duration, Effect } from "effect"
import * as CapturedOutput from "./CapturedOutput.ts"
import * as SshCommand from "./SshCommand.ts"
import type * as SshError from "./SshError.ts"
import { outOfLimit, over as reached } from "./internal/commandLimits.ts"

/**
 * When the request was made that the time limits of commands count from, as `Clock.monotonicTimeNanos` has it. Default:
 * when a command is asked for.
 *
 * @since 0.1.0
 * @category references
 */
export const RequestedAt = Context.Reference<bigint | undefined>("@toehold/ssh-core/CommandLimit/RequestedAt", {
  defaultValue: () => undefined
})

/**
 * Ends what comes before the command, with `CommandTimeout` that says `did-not-run`, when the time is over.
 *
 * @since 0.1.0
 * @category models
 */
export type InTime = <A, E, R>(before: Effect.Effect<A, E, R>) => Effect.Effect<A, E | SshError.SshError, R>

const whenever: InTime = (before) => before

/**
 * Does work that ends in a command with a time limit, `undefined` for none: what comes before the command is put into
 * `inTime`, and the command, asked for with the same limit, counts it from here. Within other such work it counts from
 * there.
 *
 * @since 0.1.0
 * @category running
 */
export const spanning = <A, E, R>(
  command: SshCommand.SshCommand,
  timeout: Duration.Input | undefined,
  work: (inTime: InTime) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> => {
  if (timeout === undefined) return work(whenever)
  const limit = Duration.fromInputUnsafe(timeout)
  const over = Effect.suspend(() => {
    const nothing = { stdout: CapturedOutput.empty, stderr: CapturedOutput.empty, killed: false }
    const details = { ...nothing, command: SshCommand.display(command), outcome: "did-not-run" } as const
    return Effect.fail(outOfLimit(reached("CommandTimeout", limit), details))
  })
  return Effect.gen(function* () {
    const begun = (yield* RequestedAt) ?? (yield* Clock.monotonicTimeNanos)
    const inTime: InTime = (before) =>
      Effect.flatMap(Clock.monotonicTimeNanos, (now) =>
        Effect.timeoutOrElse(before, {
          duration: Duration.subtract(limit, Duration.nanos(now - begun)),
          orElse: () => over
        })
      )
    return yield* Effect.provideService(work(inTime), RequestedAt, begun)
  })
}
