import { Clock, Effect } from "effect"

/** Milliseconds since 1970 by the real clock, whatever clock a test has put in place. */
export const now: Effect.Effect<number> = Effect.sync(() => Clock.Clock.defaultValue().currentTimeMillisUnsafe())
