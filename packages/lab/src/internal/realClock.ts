import { Clock, Effect } from "effect"

/** Runs with the real clock, also where a test has put a clock of its own in place: other processes don't wait. */
export const withRealClock: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R> = Effect.provideService(
  Clock.Clock,
  Clock.Clock.defaultValue()
)
