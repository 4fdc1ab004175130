/**
 * The session channels of one connection: how many there may be, and the spare ones that are opened ahead, so that a
 * command costs one round trip instead of two and pays for no slow login.
 */
import { Deferred, Duration, Effect, FiberSet, Result, type Scope, Semaphore } from "effect"
import { randomBytes } from "node:crypto"
import type * as Ssh2 from "ssh2"
import * as SshError from "../SshError.ts"
import * as Channel from "./channel.ts"
import { isDropbear, triesAfterRefusal } from "./dropbear.ts"
import * as Keeper_ from "./keeper.ts"
import * as LoginWrapper from "./loginWrapper.ts"
import * as Refusals from "./refusals.ts"
import { type Greeted, type Options as ProcessOptions, RemoteProcess } from "./remoteProcess.ts"
import { type Claim, SessionLease } from "./sessionLease.ts"

export type Connection = Omit<Channel.Connection, "refusals">

export interface Request {
  readonly script: string
  /** The script may be on no command line, where a terminal would put it. */
  readonly secret: boolean
  /** Called when the request has a session. */
  readonly onOpen?: () => void
  /** Called when the script is sent: from then on it may run. */
  readonly onSend?: () => void
  readonly pty: Channel.Pty | undefined
  /** Fail rather than wait where no session is free. */
  readonly atOnce?: boolean
  /** What becomes of a process that comes after its request was given up. */
  readonly late: (process: RemoteProcess) => Effect.Effect<unknown>
}

/** What a channel is opened for. */
interface Opening extends Pick<Request, "pty" | "late"> {
  readonly request: (nonce: string) => string
  readonly awaitsScript: boolean
  /** It is the keeper's own, which nobody keeps. */
  readonly isKeeper?: boolean
}

/** A channel with a subsystem on it, for as long as its scope. */
export interface Subsystem<A> {
  readonly attached: A
  /** Succeeds when another request needs a session and there is none left. */
  readonly wanted: Effect.Effect<void>
}

export interface Sessions {
  /**
   * Opens a subsystem; `attach` gets the channel in the very callback that brings it. `atOnce` fails where no session is
   * free.
   */
  readonly subsystem: <A>(
    name: string,
    attach: (channel: Ssh2.ClientChannel) => A,
    options?: { readonly atOnce?: boolean }
  ) => Effect.Effect<Subsystem<A>, SshError.SshError, Scope.Scope>
  /** Starts a script. What comes back may still be on its way through the login; its end frees the session. */
  readonly start: (request: Request) => Effect.Effect<RemoteProcess, SshError.SshError>
  /** A shell that waits for a script on its standard input, which nobody keeps. */
  readonly wait: Effect.Effect<RemoteProcess, SshError.SshError>
  readonly keeper: Keeper_.Keeper
  /** Whether a session that begins now may break the connection, for others are under way on a server that minds it. */
  readonly isDelicate: () => boolean
}

export interface Options {
  readonly maxSessions: number
  readonly spares: number
  /** Another connection's to the same machine, or what one of this connection's own needs. */
  readonly keeper: Keeper_.Keeper | Pick<Keeper_.Options, "elsewhere" | "lease">
}

/** A server frees a session a moment after its channel was closed, so that a refusal may be over soon: tries, and waits. */
const refusals = 7
const waitAfter = (refused: number) => Duration.millis(20 * 2 ** refused)

/** A channel that is open this long after the command's end is held open by a child. */
const heldOpen = Duration.seconds(1)

/** How long the end of a connection waits for answers to requests that were given up, and for the kills they ask for. */
const longestOwed = Duration.seconds(5)

const isBusy = (error: SshError.SshError): boolean => error.reason._tag === "ChannelRefused" && error.reason.busy

const noSlot = SshError.make(
  new SshError.ChannelRefused({ request: "session", detail: "every session is in use", busy: true })
)

/** For a process that nobody waits for, and that was given nothing to run. */
const closed = (process: RemoteProcess): Effect.Effect<void> => Effect.sync(() => process.channel.close())

export const make = Effect.fnUntraced(function* (
  open: Connection,
  options: Options
): Effect.fn.Return<Sessions, never, Scope.Scope> {
  const connection = { ...open, refusals: Refusals.watch(open.client) }
  const slots = yield* Semaphore.make(options.maxSessions)
  const inBackground = yield* FiberSet.makeRuntime<never>()
  const live = new Set<RemoteProcess>()
  /** The channels of subsystems, and how each is told that its session is wanted. */
  const held = new Map<Ssh2.ClientChannel, Deferred.Deferred<void>>()
  /** Requests for which no slot was free. */
  let waiting = 0
  const spares: Array<RemoteProcess> = []
  let wanted = options.spares
  let opening = 0
  let starting = 0
  /** The most sessions that the server has had open at once: what it certainly allows. */
  let proven = 1
  let limited = false

  /** Requests that were given up before their answer: what they started must be ended over this very connection. */
  const owed = new Set<Deferred.Deferred<void>>()
  yield* Effect.addFinalizer(() =>
    connection.isOpen()
      ? Effect.ignore(
          Effect.timeoutOption(Effect.forEach(owed, Deferred.await, { concurrency: "unbounded" }), longestOwed)
        )
      : Effect.void
  )

  // Once the scope has closed no slot is given back any more: whoever still waits for one is to find that all is over.
  yield* Effect.addFinalizer(() => Semaphore.resize(slots, Number.MAX_SAFE_INTEGER))

  const kept = new Map<RemoteProcess, Greeted>()
  const closedForGood = Deferred.makeUnsafe<void>()
  connection.client.once("close", () => {
    Deferred.doneUnsafe(closedForGood, Effect.void)
    for (const process of live) process.connectionClosed()
    for (const greeted of kept.values()) keeper.end(greeted)
  })

  const inUse = () => live.size + held.size
  const limit = () => (limited ? proven : options.maxSessions)
  let keeperSession: RemoteProcess | undefined

  const learnProven = (): void => {
    if (inUse() <= proven) return
    proven = inUse()
    if (limited) inBackground(Semaphore.resize(slots, proven))
  }

  /** The keeper is told of a command before anything of it is heard, and of its end when its channel is closed. */
  const keep = (process: RemoteProcess, greeted: Greeted): void => {
    kept.set(process, greeted)
    keeper.hold(greeted)
    process.channel.once("exit", (code: number | null) => {
      if (code !== 0 && code !== null && process.leftovers !== undefined) keeper.sweep(greeted, process.leftovers)
      else
        inBackground(
          Effect.andThen(
            Effect.sleep(heldOpen),
            Effect.sync(() => kept.has(process) && keeper.settle(greeted))
          )
        )
    })
    process.channel.once("close", () => {
      kept.delete(process)
      if (!connection.isOpen()) return
      if (process.leftovers === undefined) keeper.release(greeted)
      else keeper.settle(greeted)
    })
  }

  const adopt = (
    channel: Ssh2.ClientChannel,
    options: Omit<ProcessOptions, "onGreeted">,
    isKept: boolean,
    onClose: () => void
  ): RemoteProcess => {
    const process: RemoteProcess = new RemoteProcess(channel, {
      ...options,
      onGreeted: (greeted) => isKept && keep(process, greeted)
    })
    live.add(process)
    learnProven()
    if (!isKept) keeperSession = process
    // Before anybody hears that the process has ended: who waits for its session is then not told that it is in use.
    channel.prependOnceListener("close", () => {
      live.delete(process)
      if (keeperSession === process) keeperSession = undefined
      onClose()
    })
    return process
  }

  const endClaim = (process: RemoteProcess, claim: Claim | undefined): void => {
    if (claim === undefined) return
    if (live.has(process)) process.channel.once("close", claim.ended)
    else claim.ended()
  }

  /** Opens a channel for a request; its slot is free again when the channel has closed. */
  const openChannel = ({ awaitsScript, isKeeper = false, late, pty, request }: Opening) =>
    Effect.suspend(() => {
      const nonce = `toehold-${randomBytes(12).toString("hex")}`
      const options = { nonce, pty: pty !== undefined, awaitsScript }
      const settled = Deferred.makeUnsafe<void>()
      const settle = Effect.sync(() => {
        owed.delete(settled)
        Deferred.doneUnsafe(settled, Effect.void)
      })
      return Channel.exec(
        connection,
        { command: request(nonce), pty, isWaiting: awaitsScript },
        (channel) => adopt(channel, options, !isKeeper, () => inBackground(Semaphore.release(slots, 1))),
        (channel) => {
          // Its slot was given back when it was given up.
          const process = channel === undefined ? undefined : adopt(channel, options, !isKeeper, () => undefined)
          inBackground(Effect.ensuring(process === undefined ? Effect.void : Effect.asVoid(late(process)), settle))
        }
      ).pipe(Effect.onInterrupt(() => Effect.sync(() => late !== closed && owed.add(settled))))
    })

  const takeSpare = (): RemoteProcess | undefined => {
    for (;;) {
      const spare = spares.shift()
      if (spare === undefined || !spare.isEnded) return spare
    }
  }

  /** Asks whoever holds a session that may be idle to give it up. */
  const askHolders = Effect.sync(() => {
    for (const wanted of held.values()) Deferred.doneUnsafe(wanted, Effect.void)
  })

  const waitForSlot = (asks: boolean) =>
    Effect.suspend(() => {
      waiting += 1
      // The end of the connection frees no slot.
      const over = Effect.andThen(Deferred.await(closedForGood), Channel.lost("it ended", "did-not-run"))
      return Effect.andThen(asks ? askHolders : Effect.void, Effect.raceFirst(Semaphore.take(slots, 1), over))
    }).pipe(Effect.ensuring(Effect.sync(() => (waiting -= 1))))

  /** Takes a free slot, else the one of a spare session, else waits for one or fails. */
  const takeSlot = (atOnce: boolean): Effect.Effect<unknown, SshError.SshError> =>
    Effect.flatMap(Semaphore.takeIfAvailable(slots, 1), (taken) => {
      if (taken) return Effect.void
      const spare = takeSpare()
      if (spare === undefined && atOnce) return Effect.fail(noSlot)
      spare?.channel.close()
      return waitForSlot(spare === undefined)
    })

  const withSlot = <A>(effect: Effect.Effect<A, SshError.SshError>, atOnce: boolean) =>
    Effect.uninterruptibleMask((restore) =>
      restore(takeSlot(atOnce)).pipe(
        Effect.andThen(restore(effect).pipe(Effect.onError(() => Semaphore.release(slots, 1))))
      )
    )

  const waitingShell = { request: LoginWrapper.reader, awaitsScript: true, pty: undefined, late: closed }

  const wait = withSlot(openChannel({ ...waitingShell, isKeeper: true }), true)

  const keeper =
    "hold" in options.keeper
      ? options.keeper
      : yield* Keeper_.make({
          ...options.keeper,
          isOpen: connection.isOpen,
          // Of two sessions that go one after the other the second would never come.
          here: options.maxSessions === 1 ? undefined : wait
        })

  /** The shell waits for its script, and its end is taken care of; or it has ended. */
  const ready = (process: RemoteProcess) =>
    Effect.raceFirst(
      Effect.andThen(Deferred.await(process.greeted), keeper.begin),
      Effect.asVoid(Deferred.await(process.ended))
    )

  const limitToProven = Effect.suspend(() => {
    limited = true
    return Semaphore.resize(slots, proven)
  })

  const openSpare = Effect.gen(function* () {
    const spare = waitingShell
    const process = yield* openChannel(spare).pipe(Effect.onError(() => Semaphore.release(slots, 1)))
    yield* ready(process)
    if (process.isEnded || wanted === 0) process.channel.close()
    else spares.push(process)
  }).pipe(
    Effect.catch((error) => {
      if (isBusy(error)) return limitToProven
      // A server that does not run what a spare session needs is asked for none again.
      wanted = 0
      return Effect.void
    }),
    Effect.ensuring(Effect.sync(() => void (opening -= 1)))
  )

  const refill = Effect.gen(function* () {
    while (spares.length + opening < wanted && connection.isOpen()) {
      if (!(yield* Semaphore.takeIfAvailable(slots, 1))) return
      opening += 1
      inBackground(openSpare)
    }
  })

  /** The server has refused a session: spares give way, and no more are asked for than it has proven to allow. */
  const learnLimit = Effect.suspend(() => {
    for (const spare of spares.splice(0)) spare.channel.close()
    if (live.size <= 1) keeper.giveWay()
    return Effect.andThen(askHolders, limitToProven)
  })

  /**
   * Opens a channel, and unless told not to waits for a slot where none is free: nothing has run until it succeeds. For
   * a claim it waits for no session that is in use, but does for one that the server has yet to free.
   */
  const openedWithin = Effect.fnUntraced(function* <A>(
    open: Effect.Effect<A, SshError.SshError>,
    atOnce: boolean,
    claim: Claim | undefined
  ) {
    const attempt = withSlot(open, atOnce || claim !== undefined).pipe(
      Effect.retry(triesAfterRefusal(connection.identification))
    )
    for (let refused = 0; ; refused++) {
      const result = yield* Effect.result(attempt)
      if (Result.isSuccess(result)) return result.success
      const { failure } = result
      if (atOnce || !isBusy(failure)) return yield* failure
      if (failure !== noSlot) yield* learnLimit
      if (claim !== undefined && (failure === noSlot || inUse() >= limit())) {
        claim.refused(limit(), keeperSession === undefined ? 0 : 1)
        return yield* failure
      }
      // With another command under way the slot that it holds will come free, however long that takes.
      if (refused >= refusals && inUse() === 0) return yield* failure
      yield* Effect.sleep(waitAfter(Math.min(refused, refusals)))
    }
  })

  const openSession = (opening: Opening, atOnce: boolean, claim: Claim | undefined) =>
    openedWithin(openChannel(opening), atOnce, claim)

  const send = (process: RemoteProcess, request: Request): void => {
    if (process.isEnded || !connection.isOpen()) return
    request.onSend?.()
    process.wasSent = true
    process.channel.write(LoginWrapper.readerInput(request.script))
  }

  /** A shell that waits for its script, which is on no command line and begins when its end is taken care of. */
  const openWaiting = Effect.fnUntraced(function* (request: Request, claim: Claim | undefined) {
    const process = yield* openSession(waitingShell, request.atOnce ?? false, claim)
    request.onOpen?.()
    yield* ready(process).pipe(Effect.onInterrupt(() => closed(process)))
    return process
  })

  /** A terminal passes nothing on as it is, so the script is part of the request. */
  const openTerminal = Effect.fnUntraced(function* (request: Request, pty: Channel.Pty, claim: Claim | undefined) {
    if (request.secret || LoginWrapper.inline("x".repeat(32), request.script).length > LoginWrapper.maxInlineBytes) {
      return yield* SshError.make(
        new SshError.InvalidArgument({
          argument: "The command",
          detail: "in a terminal it can't be longer than about 2000 characters, nor have secret variables",
          hint: "Leave the terminal out, or put the command into a file there first."
        })
      )
    }
    const inline = (nonce: string) => {
      request.onSend?.()
      return LoginWrapper.inline(nonce, request.script)
    }
    const opening = { request: inline, awaitsScript: false, pty, late: request.late }
    return yield* openSession(opening, request.atOnce ?? false, claim)
  })

  const startUnder = Effect.fnUntraced(function* (
    restore: <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E>,
    request: Request
  ) {
    if (!connection.isOpen()) return yield* Channel.lost("it had ended before", "did-not-run")
    const claim = request.atOnce === true ? undefined : (yield* SessionLease)?.claim()
    const spare = request.pty === undefined ? takeSpare() : undefined
    if (spare !== undefined) {
      endClaim(spare, claim)
      send(spare, request)
      yield* refill
      return spare
    }
    // The command's own session is asked for first: it may be the only one that there is.
    inBackground(Effect.andThen(Effect.yieldNow, keeper.begin))
    const process = yield* restore(
      request.pty === undefined ? openWaiting(request, claim) : openTerminal(request, request.pty, claim)
    )
    endClaim(process, claim)
    if (request.pty === undefined) send(process, request)
    yield* refill
    return process
  })

  const subsystem = Effect.fnUntraced(function* <A>(
    name: string,
    attach: (channel: Ssh2.ClientChannel) => A,
    atOnce: boolean
  ): Effect.fn.Return<Subsystem<A>, SshError.SshError, Scope.Scope> {
    if (!connection.isOpen()) return yield* Channel.lost("it had ended before", "did-not-run")
    const claim = atOnce ? undefined : (yield* SessionLease)?.claim()
    const wanted = claim?.wanted ?? Deferred.makeUnsafe<void>()
    let opened: Ssh2.ClientChannel | undefined
    // Before the channel is there, so that no interruption can come in between.
    yield* Effect.addFinalizer(() => Effect.sync(() => opened?.close()))
    const attached = (channel: Ssh2.ClientChannel): A => {
      opened = channel
      held.set(channel, wanted)
      if (waiting > 0) Deferred.doneUnsafe(wanted, Effect.void)
      learnProven()
      channel.once("close", () => {
        held.delete(channel)
        inBackground(Semaphore.release(slots, 1))
        claim?.ended()
      })
      return attach(channel)
    }
    return {
      attached: yield* openedWithin(Channel.subsystem(connection, name, attached), atOnce, claim),
      wanted: Deferred.await(wanted)
    }
  })

  return {
    subsystem: (name, attach, options) => subsystem(name, attach, options?.atOnce ?? false),
    // Once a script was sent its process is handed over, or nobody could end it.
    keeper,
    isDelicate: () => isDropbear(connection.identification) && kept.size + starting > 0,
    wait,
    start: (request) =>
      Effect.suspend(() => {
        starting += 1
        return Effect.uninterruptibleMask((restore) => startUnder(restore, request))
      }).pipe(Effect.ensuring(Effect.sync(() => void (starting -= 1))))
  }
})
