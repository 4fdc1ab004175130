/**
 * The connections to one machine and who may use them: sessions are handed out first come, first served, one login is
 * under way at a time, and what is dead or idle goes. All bookkeeping is synchronous, so that it is never seen half done.
 */
import { Clock, Deferred, Duration, Effect, Exit, Fiber, FiberSet, Result, Scope } from "effect"
import type { SshClient } from "../SshClient.ts"
import type * as SshError from "../SshError.ts"
import * as Channel from "./channel.ts"
import { isDropbear } from "./dropbear.ts"
import type { SessionLease } from "./sessionLease.ts"

export interface Options {
  /** Logs in, for this many sessions at most. */
  readonly connect: (
    maxSessions: number,
    isAgain: boolean
  ) => Effect.Effect<SshClient["Service"], SshError.SshError, Scope.Scope>
  readonly maxConnections: number
  readonly idleTimeout: Duration.Duration
}

/** A call that opens a session takes one of the few that there are; other channels are not counted. */
export type Kind = "session" | "channel"

export interface Lease extends SessionLease {
  readonly client: SshClient["Service"]
  /** Whether others hold sessions of the connection, so that waiting for one makes sense. */
  readonly isShared: () => boolean
  /** No session was free: none is handed out before one ends. */
  readonly refused: () => void
  /** The connection is known to be over, and nothing more is to be asked of it. */
  readonly discard: () => void
}

export interface MachineConnections {
  /**
   * A connection for as long as the scope; waits for a free session, or for a login. `atOnce` waits for a login alone,
   * and leaves it to the connection what becomes of a call that finds no session free.
   */
  readonly lease: (
    kind: Kind,
    options?: { readonly atOnce?: boolean | undefined }
  ) => Effect.Effect<Lease, SshError.SshError, Scope.Scope>
  /** The connection that was made last, dead or alive. */
  readonly latest: () => SshClient["Service"] | undefined
  readonly status: () => ReadonlyArray<{ readonly client: SshClient["Service"]; readonly sessions: number }>
}

interface Connection {
  readonly client: SshClient["Service"]
  readonly scope: Scope.Closeable
  /** Calls that hold it, and those of them that hold a session. */
  holders: number
  sessions: number
  /** What sessions that may be idle are asked with to give way. */
  readonly claims: Set<Deferred.Deferred<void>>
  /** What is known of the most sessions that it can have. */
  limit: number
  /** It refused one though the limit was not reached. */
  isFull: boolean
  isOver: boolean
  idleSince: bigint
}

interface Waiter {
  readonly kind: Kind
  readonly atOnce: boolean
  readonly granted: Deferred.Deferred<Lease, SshError.SshError>
  /** Gives back what was granted, or steps out of the queue. */
  leave: () => void
}

interface Login {
  fiber?: Fiber.Fiber<unknown>
}

/** What OpenSSH allows unless told otherwise. */
const usualSessions = 10

/** Long enough for most commands to end and free a session, short beside the time that a pipeline may stand still for. */
const growAfter = Duration.millis(250)

/** A server frees a session a moment after it has ended. */
const fullFor = Duration.millis(50)

/** After a second connection failed, the ones that are there have to do for a while. */
const growAgainAfter = Duration.seconds(10)

export const make = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<MachineConnections, never, Scope.Scope> {
  const outer = yield* Effect.scope
  const clock = yield* Clock.Clock
  const inBackground = yield* FiberSet.makeRuntime<never>()
  const open = new Set<Connection>()
  const waiters = new Set<Waiter>()
  let latest: SshClient["Service"] | undefined
  let maxSessions = usualSessions
  let login: Login | undefined
  let isGrowing = false
  let isClosed = false

  const hasRoom = (connection: Connection): boolean => !connection.isFull && connection.sessions < connection.limit

  const find = (kind: Kind): Connection | undefined => {
    for (const connection of open) if (kind === "channel" || hasRoom(connection)) return connection
    return undefined
  }

  const grant = (connection: Connection, waiter: Waiter): void => {
    const isSession = waiter.kind === "session" && hasRoom(connection)
    let holdsSession = isSession
    let isClaimed = !isSession
    let wasRefused = false
    const wanted = Deferred.makeUnsafe<void>()
    connection.holders += 1
    if (isSession) connection.sessions += 1
    const endSession = () => {
      if (!holdsSession) return
      holdsSession = false
      connection.sessions -= 1
      connection.claims.delete(wanted)
      // One that never was has freed nothing.
      if (!wasRefused) connection.isFull = false
      serve()
    }
    const refused = () => {
      wasRefused = true
      connection.isFull = true
      // Without another call's session to wait for, it is something short: a kill, or a slot that is late to be freed.
      if (connection.sessions <= 1) inBackground(Effect.andThen(Effect.sleep(fullFor), Effect.sync(reopen)))
    }
    const reopen = () => {
      connection.isFull = false
      serve()
    }
    waiters.delete(waiter)
    waiter.leave = () => {
      waiter.leave = nothing
      connection.holders -= 1
      if (connection.holders === 0) connection.idleSince = clock.monotonicTimeNanosUnsafe()
      endSession()
    }
    const lease: Lease = {
      client: connection.client,
      claim: () => {
        if (isClaimed) return undefined
        isClaimed = true
        connection.claims.add(wanted)
        return {
          ended: endSession,
          refused: (limit, aside) => {
            maxSessions = limit
            connection.limit = Math.max(1, Math.min(connection.limit, limit - aside))
            refused()
          },
          wanted
        }
      },
      isShared: () => connection.sessions > (holdsSession ? 1 : 0),
      refused,
      discard: () => remove(connection)
    }
    Deferred.doneUnsafe(waiter.granted, Exit.succeed(lease))
  }

  /** Gives what is free to those who wait, in their order, and sees to it that the others won't wait in vain. */
  const serve = (): void => {
    for (const waiter of waiters) {
      const connection = find(waiter.kind) ?? (waiter.atOnce ? find("channel") : undefined)
      if (connection !== undefined) grant(connection, waiter)
    }
    if (waiters.size === 0) {
      if (open.size === 0) abortLogin()
    } else if (open.size === 0) {
      startLogin()
    } else {
      for (const { claims } of open) for (const wanted of claims) Deferred.doneUnsafe(wanted, Exit.void)
      growLater()
    }
  }

  const remove = (connection: Connection): void => {
    if (connection.isOver) return
    connection.isOver = true
    open.delete(connection)
    // Another server may answer next time.
    if (open.size === 0) maxSessions = usualSessions
    inBackground(Scope.close(connection.scope, Exit.void))
    serve()
  }

  const adopt = (client: SshClient["Service"], scope: Scope.Closeable): void => {
    const connection: Connection = {
      client,
      scope,
      holders: 0,
      sessions: 0,
      claims: new Set(),
      // One is kept aside, by which the connection ends what it leaves behind.
      limit: isDropbear(client.connection.serverVersion) ? 1 : Math.max(1, maxSessions - 1),
      isFull: false,
      isOver: false,
      idleSince: clock.monotonicTimeNanosUnsafe()
    }
    latest = client
    open.add(connection)
    inBackground(
      Effect.andThen(
        client.closed,
        Effect.sync(() => remove(connection))
      )
    )
    inBackground(closeWhenIdle(connection))
    serve()
  }

  const closeWhenIdle = Effect.fnUntraced(function* (connection: Connection) {
    let wait = options.idleTimeout
    while (!connection.isOver) {
      yield* Effect.sleep(wait)
      const idle = Duration.nanos(clock.monotonicTimeNanosUnsafe() - connection.idleSince)
      if (connection.holders > 0) wait = options.idleTimeout
      else if (Duration.isLessThan(idle, options.idleTimeout)) wait = Duration.subtract(options.idleTimeout, idle)
      else return remove(connection)
    }
  })

  const startLogin = (): void => {
    if (login !== undefined || isClosed) return
    const own: Login = {}
    const settle = Effect.sync(() => {
      if (login === own) login = undefined
    })
    login = own
    own.fiber = inBackground(
      Effect.uninterruptibleMask((restore) =>
        Effect.gen(function* () {
          const scope = yield* Scope.fork(outer)
          const connected = yield* restore(options.connect(maxSessions, latest !== undefined)).pipe(
            Scope.provide(scope),
            Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause))),
            Effect.onExit(() => settle),
            Effect.result
          )
          if (Result.isSuccess(connected)) adopt(connected.success, scope)
          else loginFailed(connected.failure)
        })
      )
    )
  }

  const loginFailed = (error: SshError.SshError): void => {
    if (open.size > 0) return pauseGrowth()
    failWaiters(error)
  }

  const failWaiters = (error: SshError.SshError): void => {
    const failed = [...waiters]
    waiters.clear()
    for (const { granted } of failed) Deferred.doneUnsafe(granted, Exit.fail(error))
  }

  /** Nobody waits for it any more. */
  const abortLogin = (): void => {
    const fiber = login?.fiber
    if (fiber === undefined) return
    login = undefined
    inBackground(Fiber.interrupt(fiber))
  }

  /** One more connection when the one who is first in the queue has stood there for a while. */
  const growLater = (): void => {
    if (isGrowing || login !== undefined || open.size >= options.maxConnections) return
    isGrowing = true
    const [first] = waiters
    inBackground(
      Effect.andThen(
        Effect.sleep(growAfter),
        Effect.sync(() => {
          isGrowing = false
          if (first !== undefined && waiters.has(first) && open.size < options.maxConnections) startLogin()
          else serve()
        })
      )
    )
  }

  const pauseGrowth = (): void => {
    isGrowing = true
    inBackground(
      Effect.andThen(
        Effect.sleep(growAgainAfter),
        Effect.sync(() => {
          isGrowing = false
          serve()
        })
      )
    )
  }

  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      isClosed = true
      failWaiters(closedPool)
    })
  )

  return {
    lease: (kind, { atOnce = false } = {}) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.gen(function* () {
          const waiter: Waiter = { kind, atOnce, granted: Deferred.makeUnsafe(), leave: nothing }
          waiter.leave = () => {
            waiters.delete(waiter)
            serve()
          }
          yield* Effect.addFinalizer(() => Effect.sync(() => waiter.leave()))
          if (isClosed) return yield* closedPool
          waiters.add(waiter)
          serve()
          return yield* restore(Deferred.await(waiter.granted))
        })
      ),
    latest: () => latest,
    status: () => [...open].map(({ client, sessions }) => ({ client, sessions }))
  }
})

const closedPool = Channel.lost("the pool was closed", "did-not-run")

const nothing = (): void => undefined
