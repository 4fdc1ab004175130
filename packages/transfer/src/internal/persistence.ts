/** Trying again when a connection was lost: as long as something arrives in between, and some times when nothing does. */
import { Duration, Effect, Schedule } from "effect"
import type * as TransferError from "../TransferError.ts"
import { isLost } from "./failure.ts"
import type { Meter } from "./meter.ts"

/** 0.3 s, doubled up to 10 s, some chance in it so that many don't come back at once; about 40 s in all. */
export const defaultSchedule: Schedule.Schedule<unknown> = Schedule.exponential("300 millis").pipe(
  Schedule.modifyDelay(({ duration }) => Effect.succeed(Duration.min(duration, Duration.seconds(10)))),
  Schedule.jittered,
  Schedule.upTo({ times: 8 })
)

/** A link that is cut again and again must come to an end as well. */
const maxCuts = 100

/** The step must be one that can be done twice. */
export const persist =
  (meter: Meter, schedule: Schedule.Schedule<unknown>) =>
  <A, R>(step: Effect.Effect<A, TransferError.TransferError, R>): Effect.Effect<A, TransferError.TransferError, R> => {
    const from = (cuts: number): Effect.Effect<A, TransferError.TransferError, R> =>
      Effect.suspend(() => {
        const { moved } = meter.state
        const hasMoved = () => meter.state.moved > moved
        return step.pipe(
          Effect.retry({ schedule, while: (error) => isLost(error) && !hasMoved() }),
          Effect.catchIf(
            (error) => isLost(error) && hasMoved() && cuts < maxCuts,
            () => Effect.delay(from(cuts + 1), "300 millis")
          )
        )
      })
    return from(0)
  }
