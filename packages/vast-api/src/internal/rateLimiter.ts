import { Cause, Clock, Duration, Effect, Exit, Semaphore } from "effect"

/** Keeps the calls of each endpoint apart, for the service counts them by endpoint and by API key. */
export interface RateLimiter {
  /** Runs the call when its endpoint may be called again. */
  readonly limit: <A, E, R>(endpoint: string, call: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Calls of the endpoint are at least this far apart from now on. */
  readonly slowDown: (endpoint: string, interval: Duration.Duration) => Effect.Effect<void>
}

interface Lane {
  readonly turn: Semaphore.Semaphore
  interval: number
  /** Milliseconds since 1970 from which the endpoint may be called again. */
  freeAt: number
}

const maxInterval = 60_000

/**
 * One call at a time for each endpoint, and the next one no sooner than the interval after the answer: when requests
 * were let go by the clock alone, two of them could arrive closer together than they left.
 */
export const make = (intervalOf: (endpoint: string) => Duration.Input): RateLimiter => {
  const lanes = new Map<string, Lane>()
  const laneOf = (endpoint: string): Lane => {
    const known = lanes.get(endpoint)
    if (known !== undefined) return known
    const interval = Duration.toMillis(Duration.fromInputUnsafe(intervalOf(endpoint)))
    const lane: Lane = { turn: Semaphore.makeUnsafe(1), interval, freeAt: 0 }
    lanes.set(endpoint, lane)
    return lane
  }
  return {
    limit: (endpoint, call) =>
      Effect.suspend(() => {
        const lane = laneOf(endpoint)
        const rest = (exit: Exit.Exit<unknown, unknown>) =>
          Effect.map(Clock.currentTimeMillis, (now) => {
            // When the service got a call that nobody waited for is not known: it may be later than now.
            const times = Exit.isFailure(exit) && Cause.hasInterrupts(exit.cause) ? 2 : 1
            lane.freeAt = now + lane.interval * times
          })
        const turn = Effect.gen(function* () {
          const start = yield* Clock.currentTimeMillis
          // A clock that was set back must not hold anything up.
          const until = Math.min(lane.freeAt, start + maxInterval)
          // A timer may be a little early.
          for (let now = start; now < until; now = yield* Clock.currentTimeMillis) yield* Effect.sleep(until - now)
          return yield* Effect.onExit(call, rest)
        })
        return lane.turn.withPermits(1)(turn)
      }),
    slowDown: (endpoint, interval) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        const lane = laneOf(endpoint)
        lane.interval = Math.min(maxInterval, Math.max(lane.interval, Duration.toMillis(interval)))
        lane.freeAt = Math.max(lane.freeAt, now + lane.interval)
      })
  }
}
