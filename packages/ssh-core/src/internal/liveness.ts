import { Clock, Duration, Effect } from "effect"

/** The slowest way out that is waited for, in bytes a millisecond. */
const slowest = 200

/** What may be on its way out at once, in bytes: the window that a server gives a channel is 2 MiB at most. */
const mostUnderWay = 2 * 1024 * 1024

/** How often a silence is looked at in one interval; its end is noticed that much late at most. */
const looks = 10

/**
 * Ends when nothing has been received for `interval` x `countMax`, not counting the time that what was sent may need to
 * get out. Every received byte counts, not only replies to the keepalive requests: on a slow link that is busy they
 * queue up behind the data, and so do the requests.
 */
export const silence = (options: {
  readonly receivedBytes: () => number
  /** All that was handed to the system to be sent. */
  readonly sentBytes: () => number
  readonly interval: Duration.Duration
  readonly countMax: number
}): Effect.Effect<Duration.Duration> =>
  Effect.gen(function* () {
    const limitMs = Duration.toMillis(options.interval) * options.countMax
    let received = options.receivedBytes()
    let sent = options.sentBytes()
    let underWay = 0
    let looked = yield* Clock.monotonicTimeNanos
    let since = looked
    let outMs = 0
    for (;;) {
      yield* Effect.sleep(Duration.times(options.interval, 1 / looks))
      const now = yield* Clock.monotonicTimeNanos
      const drained = Math.min(underWay, (Number(now - looked) / 1e6) * slowest)
      underWay = Math.min(mostUnderWay, underWay - drained + options.sentBytes() - sent)
      sent = options.sentBytes()
      looked = now
      outMs = Math.min(mostUnderWay / slowest, outMs + drained / slowest)
      if (options.receivedBytes() !== received) {
        received = options.receivedBytes()
        since = now
        outMs = 0
        continue
      }
      const quiet = Duration.nanos(now - since)
      if (Duration.toMillis(quiet) >= limitMs + outMs) return quiet
    }
  })
