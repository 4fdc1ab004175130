/** A connection that is made anew whenever it is lost, and the streams through it that wait for that. */
import { Clock, Deferred, Duration, Effect, Exit, Random, Result, Scope } from "effect"
import type { SshClient } from "../../SshClient.ts"
import * as SshError from "../../SshError.ts"
import * as Channel from "../channel.ts"
import type { Address } from "../streamEnd.ts"

type Client = SshClient["Service"]

export interface Backoff {
  readonly least: Duration.Duration
  readonly most: Duration.Duration
}

/** Twice as long each time, and some of it by chance, so that many clients of one machine don't all come at once. */
export const delay = ({ least, most }: Backoff, attempt: number): Effect.Effect<Duration.Duration> =>
  Effect.map(Random.next, (chance) => {
    const full = Math.min(Duration.toMillis(most), Duration.toMillis(least) * 2 ** Math.min(attempt, 30))
    return Duration.millis(full * (0.5 + chance / 2))
  })

/** A connection that ends sooner was of no use, and the next attempts go on waiting longer. */
const usefulMillis = 10_000

export interface Options<R> {
  readonly connect: Effect.Effect<Client, SshError.SshError, R>
  readonly backoff: Backoff
  /** How long a stream waits for a connection. */
  readonly waitLimit: Duration.Duration
  /** Runs whenever there is a new connection, in its scope; the streams don't wait for it. */
  readonly onConnected: (client: Client) => Effect.Effect<void, never, Scope.Scope>
  readonly onLost: (detail: string) => Effect.Effect<void>
  readonly onFailed: (error: SshError.SshError, delay: Duration.Duration) => Effect.Effect<void>
}

/** A connection, with the scope that lasts as long as it is used. */
export interface Connected {
  readonly client: Client
  readonly scope: Scope.Closeable
}

export interface Link<R> {
  readonly dial: Client["dial"]
  /** Connects for the first time. */
  readonly open: Effect.Effect<Connected, SshError.SshError, Scope.Scope | Exclude<R, Scope.Scope>>
  /** Connects again whenever the connection is lost, until that is hopeless. */
  readonly keep: (first: Connected) => Effect.Effect<never, SshError.SshError, Scope.Scope | Exclude<R, Scope.Scope>>
}

/** Whether it may be different next time, for a machine that could be reached before. */
const mayPass = ({ isRetryable, reason }: SshError.SshError): boolean =>
  isRetryable || reason._tag === "DnsFailed" || reason._tag === "NotSsh" || reason._tag === "ChannelRefused"

const isLost = ({ outcome, reason }: SshError.SshError): boolean =>
  reason._tag === "ConnectionLost" && outcome === "did-not-run"

export const make = <R>(options: Options<R>): Link<R> => {
  let current = Deferred.makeUnsafe<Client, SshError.SshError>()
  let serving: Client | undefined

  const hand = (client: Client): void => {
    serving = client
    Deferred.doneUnsafe(current, Exit.succeed(client))
  }
  const drop = (client: Client): void => {
    if (serving !== client) return
    serving = undefined
    current = Deferred.makeUnsafe()
  }

  const notBack = Effect.suspend(() => {
    const seconds = Math.round(Duration.toSeconds(options.waitLimit))
    return Effect.fail(Channel.lost(`it did not come back within ${seconds} s`, "did-not-run"))
  })

  /** Waits for connections until the deadline, but for the answer to a request as long as it takes. */
  const dialBefore = (deadline: number, to: Address): ReturnType<Client["dial"]> =>
    Effect.gen(function* () {
      const left = deadline - (yield* Clock.currentTimeMillis)
      const client = yield* Effect.suspend(() => Deferred.await(current)).pipe(
        Effect.timeoutOrElse({ duration: Duration.millis(Math.max(0, left)), orElse: () => notBack })
      )
      return yield* client
        .dial(to)
        .pipe(
          Effect.catchIf(isLost, () =>
            client.closed.pipe(
              Effect.andThen(Effect.sync(() => drop(client))),
              Effect.andThen(Effect.suspend(() => dialBefore(deadline, to)))
            )
          )
        )
    })

  const dial: Client["dial"] = (to) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => dialBefore(now + Duration.toMillis(options.waitLimit), to))

  const connect = Effect.gen(function* () {
    const scope = yield* Scope.fork(yield* Effect.scope)
    const client = yield* options.connect.pipe(
      Scope.provide(scope),
      Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
    )
    return { client, scope }
  })

  const open = Effect.tap(connect, ({ client }) => Effect.sync(() => hand(client)))

  /** With the number of attempts without success so far, for the next delay. */
  const reconnect = Effect.fnUntraced(function* (failures: number) {
    let attempt = failures
    yield* Effect.sleep(yield* delay(options.backoff, attempt))
    for (;;) {
      const connected = yield* Effect.result(connect)
      if (Result.isSuccess(connected)) return { connected: connected.success, attempt }
      const error = connected.failure
      if (!mayPass(error)) {
        Deferred.doneUnsafe(current, Exit.fail(error))
        return yield* error
      }
      attempt += 1
      const next = yield* delay(options.backoff, attempt)
      yield* options.onFailed(error, next)
      yield* Effect.sleep(next)
    }
  })

  const keep = Effect.fnUntraced(function* (first: Connected) {
    let { client, scope } = first
    let failures = 0
    for (;;) {
      const since = yield* Clock.currentTimeMillis
      const detail = yield* client.closed
      const wasUseful = (yield* Clock.currentTimeMillis) - since >= usefulMillis
      drop(client)
      yield* options.onLost(detail)
      yield* Scope.close(scope, Exit.void)
      const { attempt, connected } = yield* reconnect(wasUseful ? 0 : failures)
      failures = attempt + 1
      ;({ client, scope } = connected)
      hand(client)
      yield* options.onConnected(client).pipe(Scope.provide(scope))
    }
  })

  return { dial, open, keep }
}
