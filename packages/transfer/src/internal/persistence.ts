/** Trying again when a connection was lost: as long as something arrives in between, and some times when nothing does. */
import { Duration, Effect, Pull, Result, Schedule } from "effect"
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
export const persist = (meter: Meter, schedule: Schedule.Schedule<unknown>) =>
  Effect.fnUntraced(function* <A, R>(
    step: Effect.Effect<A, TransferError.TransferError, R>
  ): Effect.fn.Return<A, TransferError.TransferError, R> {
    let cuts = 0
    let wait = yield* Schedule.toStepWithSleep(schedule)
    for (;;) {
      const { moved } = meter.state
      const result = yield* Effect.result(step)
      if (Result.isSuccess(result)) return result.success
      if (!isLost(result.failure)) return yield* result.failure
      if (meter.state.moved > moved && cuts < maxCuts) {
        cuts += 1
        wait = yield* Schedule.toStepWithSleep(schedule)
      }
      const goesOn = yield* Pull.catchDone(Effect.as(wait(result.failure), true), () => Effect.succeed(false))
      if (!goesOn) return yield* result.failure
    }
  })
