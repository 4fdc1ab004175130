import { Clock, Duration, Effect } from "effect"

/**
 * Ends when nothing has been received for `interval` x `countMax`. Every received byte counts, not only replies to the
 * keepalive requests: a slow link that is busy has its replies queued behind the data.
 */
export const silence = (options: {
  readonly receivedBytes: () => number
  readonly interval: Duration.Duration
  readonly countMax: number
}): Effect.Effect<Duration.Duration> =>
  Effect.gen(function* () {
    let received = options.receivedBytes()
    let since = yield* Clock.monotonicTimeNanos
    for (;;) {
      yield* Effect.sleep(options.interval)
      const now = yield* Clock.monotonicTimeNanos
      if (options.receivedBytes() !== received) {
        received = options.receivedBytes()
        since = now
        continue
      }
      const quiet = Duration.nanos(now - since)
      if (Duration.toMillis(quiet) >= Duration.toMillis(options.interval) * options.countMax) return quiet
    }
  })
