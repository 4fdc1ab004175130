/**
 * The session channels of one connection: how many there may be, and the spare ones that are opened ahead, so that a
 * command costs one round trip instead of two and pays for no slow login.
 */
import { Deferred, Effect, FiberSet, Schedule, type Scope, Semaphore } from "effect"
import { randomBytes } from "node:crypto"
import type * as Ssh2 from "ssh2"
import * as SshError from "../SshError.ts"
import * as Channel from "./channel.ts"
import * as LoginWrapper from "./loginWrapper.ts"
import { RemoteProcess } from "./remoteProcess.ts"

export interface Connection {
  readonly client: Ssh2.Client
  readonly isOpen: () => boolean
}

export interface Request {
  readonly script: string
  /** The script may be on no command line. */
  readonly secret: boolean
  readonly pty: Channel.Pty | undefined
}

export interface Sessions {
  /** Starts a script. What comes back may still be on its way through the login; its end frees the session. */
  readonly start: (request: Request) => Effect.Effect<RemoteProcess, SshError.SshError>
}

/** A server that has refused a session frees it a moment after the channel it belonged to was closed. */
const untilFree = Schedule.exponential("20 millis").pipe(Schedule.upTo({ duration: "2 seconds" }))

const isBusy = (error: SshError.SshError): boolean => error.reason._tag === "ChannelRefused" && error.reason.busy

/** dropbear refuses an exec request now and then for no reason; nothing ran, so one more try costs nothing. */
const isExecRefused = (error: SshError.SshError): boolean =>
  error.reason._tag === "ChannelRefused" && error.reason.request === "exec"

export const make = Effect.fnUntraced(function* (
  connection: Connection,
  options: { readonly maxSessions: number; readonly spares: number }
): Effect.fn.Return<Sessions, never, Scope.Scope> {
  const slots = yield* Semaphore.make(options.maxSessions)
  const inBackground = yield* FiberSet.makeRuntime<never>()
  const live = new Set<RemoteProcess>()
  const spares: Array<RemoteProcess> = []
  let wanted = options.spares
  let opening = 0

  connection.client.once("close", () => {
    for (const process of live) process.connectionClosed()
  })

  /** Opens a channel for a request; its slot is free again when the channel has closed. */
  const open = (request: (nonce: string) => string, pty: Channel.Pty | undefined, awaitsScript: boolean) =>
    Effect.sync(() => `toehold-${randomBytes(12).toString("hex")}`).pipe(
      Effect.flatMap((nonce) =>
        Channel.exec(connection, request(nonce), pty, (channel) => {
          const process = new RemoteProcess(channel, { nonce, pty: pty !== undefined, awaitsScript })
          live.add(process)
          channel.once("close", () => {
            live.delete(process)
            inBackground(Semaphore.release(slots, 1))
          })
          return process
        })
      )
    )

  const withSlot = <A>(effect: Effect.Effect<A, SshError.SshError>) =>
    Effect.uninterruptibleMask((restore) =>
      restore(Semaphore.take(slots, 1)).pipe(
        Effect.andThen(restore(effect).pipe(Effect.onError(() => Semaphore.release(slots, 1))))
      )
    )

  const openSpare = Effect.gen(function* () {
    const process = yield* open(LoginWrapper.reader, undefined, true).pipe(
      Effect.onError(() => Semaphore.release(slots, 1))
    )
    yield* Effect.raceFirst(Deferred.await(process.greeted), Deferred.await(process.ended))
    if (process.isEnded || wanted === 0) process.channel.close()
    else spares.push(process)
  }).pipe(
    // A server that has no session to spare is asked for none again.
    Effect.catch(() => Effect.sync(() => void (wanted = 0))),
    Effect.ensuring(Effect.sync(() => void (opening -= 1)))
  )

  const refill = Effect.gen(function* () {
    while (spares.length + opening < wanted && connection.isOpen()) {
      if (!(yield* Semaphore.takeIfAvailable(slots, 1))) return
      opening += 1
      inBackground(openSpare)
    }
  })

  const takeSpare = (): RemoteProcess | undefined => {
    for (;;) {
      const spare = spares.shift()
      if (spare === undefined || !spare.isEnded) return spare
    }
  }

  const giveUpSpares = Effect.sync(() => {
    wanted = 0
    for (const spare of spares.splice(0)) spare.channel.close()
  })

  const start = Effect.fnUntraced(function* (request: Request) {
    if (!connection.isOpen()) return yield* Channel.lost("it had ended before", "did-not-run")
    const spare = request.pty === undefined ? takeSpare() : undefined
    if (spare !== undefined) {
      spare.channel.write(LoginWrapper.readerInput(request.script))
      yield* refill
      return spare
    }
    const inline =
      LoginWrapper.inline("x".repeat(32), request.script).length <= LoginWrapper.maxInlineBytes && !request.secret
    if (!inline && request.pty !== undefined) {
      return yield* SshError.make(
        new SshError.InvalidArgument({
          argument: "The command",
          detail: "in a terminal it can't be longer than about 2000 characters, nor have secret variables",
          hint: "Leave the terminal out, or put the command into a file there first."
        })
      )
    }
    const attempt = withSlot(
      open(inline ? (nonce) => LoginWrapper.inline(nonce, request.script) : LoginWrapper.reader, request.pty, !inline)
    )
    const process = yield* attempt.pipe(
      Effect.retry({ while: isExecRefused, times: 1 }),
      Effect.tapError((error) => (isBusy(error) ? giveUpSpares : Effect.void)),
      Effect.retry({ while: isBusy, schedule: untilFree })
    )
    if (!inline) process.channel.write(LoginWrapper.readerInput(request.script))
    yield* refill
    return process
  })

  return { start }
})
