import { Context, Duration } from "effect"

/** Callers with an inactivity limit are promised a line every 15 seconds. */
export const HeartbeatInterval = Context.Reference<Duration.Duration>("@toehold/cli/HeartbeatInterval", {
  defaultValue: () => Duration.seconds(10)
})
