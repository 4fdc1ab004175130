/** A connection from the name of a host to the sessions on it, with everything closed by the scope. */
import { Clock, Deferred, Duration, Effect, Exit, type Redacted, Scope } from "effect"
import type { Duplex } from "node:stream"
import type { AlgorithmPreferences } from "../SshAlgorithms.ts"
import * as SshError from "../SshError.ts"
import type { SshConnectEvent } from "../SshConnectEvent.ts"
import type { AuthMethod, Credential } from "./credential.ts"
import { isDropbear } from "./dropbear.ts"
import * as Forwarding from "./forwarding.ts"
import * as Handshake from "./handshake.ts"
import * as Liveness from "./liveness.ts"
import * as Sessions from "./sessions.ts"
import * as Socket from "./socket.ts"

export interface Options {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly family: 4 | 6 | undefined
  /** A stream to the host through another machine, in place of a socket of our own. */
  readonly through: Effect.Effect<Duplex, SshError.SshError, Scope.Scope> | undefined
  readonly hostKeys: Pick<Handshake.Options, "hostKeyAlgorithms" | "verifyHostKey" | "noKnownHostKey">
  readonly credentials: Effect.Effect<ReadonlyArray<Credential>, SshError.SshError, Scope.Scope>
  readonly password: Redacted.Redacted<string> | undefined
  readonly methods: ReadonlyArray<AuthMethod>
  readonly preferences: AlgorithmPreferences
  readonly compression: boolean
  readonly connectTimeout: Duration.Duration
  readonly keepalive: { readonly interval: Duration.Duration; readonly countMax: number } | undefined
  readonly maxSessions: number
  readonly spareSessions: number
  readonly keeper: Sessions.Options["keeper"]
  readonly emit: (event: SshConnectEvent) => Effect.Effect<void>
}

export interface Connected extends Omit<Handshake.Authenticated, "receivedBytes" | "whyClosed"> {
  readonly sessions: Sessions.Sessions
  readonly forwarding: Forwarding.Forwarding
  readonly isOpen: () => boolean
  /** Done when the connection is over, with the reason in words. */
  readonly closed: Deferred.Deferred<string>
  readonly whyClosed: () => string | undefined
}

export const connect = Effect.fn("SshClient.connect")(function* (
  options: Options
): Effect.fn.Return<Connected, SshError.SshError, Scope.Scope> {
  const { host, port } = options
  const progress: Handshake.Progress = { stage: "dns", stranger: () => "" }
  const attempt = Effect.gen(function* () {
    const { reuseChunks, socket } = yield* open(options, progress)
    const authenticated = yield* Handshake.authenticate({
      host,
      port,
      socket,
      progress,
      user: options.user,
      ...options.hostKeys,
      credentials: options.credentials,
      password: options.password,
      methods: options.methods,
      preferences: options.preferences,
      compression: options.compression,
      keepaliveMs: options.keepalive === undefined ? 0 : Duration.toMillis(options.keepalive.interval),
      emit: options.emit
    })
    // Of the driver's ciphers only these are known to keep nothing of a chunk for later.
    if (authenticated.chosen.cipher.every((name) => name.endsWith("-gcm@openssh.com"))) reuseChunks()
    return { ...authenticated, socket }
  }).pipe(
    Effect.timeoutOrElse({
      duration: options.connectTimeout,
      orElse: () => {
        const received = progress.stage === "banner" ? progress.stranger() : ""
        const timeoutMs = Duration.toMillis(options.connectTimeout)
        const reason =
          received === ""
            ? new SshError.ConnectTimeout({ host, port, stage: progress.stage, timeoutMs })
            : new SshError.NotSsh({ host, port, received })
        return Effect.fail(SshError.make(reason))
      }
    })
  )
  // An attempt that fails leaves nothing open, however long the caller's scope lasts.
  const own = yield* Scope.fork(yield* Effect.scope)
  const { client, socket, ...authenticated } = yield* attempt.pipe(
    Scope.provide(own),
    Effect.onError((cause) => Scope.close(own, Exit.failCause(cause)))
  )
  const closed = Deferred.makeUnsafe<string>()
  let reason: string | undefined
  const close = (detail: string) => {
    reason ??= detail
    Deferred.doneUnsafe(closed, Effect.succeed(detail))
  }
  // The driver would wait for the other side to take what is left for it, and to close.
  const finish = (detail: string) => {
    close(detail)
    socket.destroy()
  }
  client.on("error", (error) => finish(error.message))
  client.on("end", () => finish("the server ended it"))
  client.on("close", () => close("it was closed"))
  const before = authenticated.whyClosed()
  if (before !== undefined) close(before)
  if (options.keepalive !== undefined) {
    Liveness.mark(client, options.keepalive)
    yield* Liveness.silence({ receivedBytes: authenticated.receivedBytes, ...options.keepalive }).pipe(
      Effect.flatMap((quiet) =>
        Effect.sync(() => {
          close(`nothing was received for ${Math.round(Duration.toSeconds(quiet))} s`)
          socket.destroy()
        })
      ),
      Effect.forkScoped
    )
  }
  const connection = { client, identification: authenticated.identification, isOpen: () => reason === undefined }
  const sessions = yield* Sessions.make(
    connection,
    // Spare sessions begin whenever a command ends.
    {
      maxSessions: options.maxSessions,
      spares: isDropbear(authenticated.identification) ? 0 : options.spareSessions,
      keeper: options.keeper
    }
  )
  const forwarding = Forwarding.make({ ...connection, host })
  return { ...authenticated, ...connection, sessions, forwarding, closed, whyClosed: () => reason }
})

/** The way to the host's port. */
const open = Effect.fnUntraced(function* (
  options: Options,
  progress: Handshake.Progress
): Effect.fn.Return<{ readonly socket: Duplex; readonly reuseChunks: () => void }, SshError.SshError, Scope.Scope> {
  const start = yield* Clock.monotonicTimeNanos
  if (options.through !== undefined) {
    progress.stage = "tcp"
    const stream = yield* options.through
    const durationMs = Number((yield* Clock.monotonicTimeNanos) - start) / 1e6
    yield* options.emit({ _tag: "StageDone", stage: "tcp", durationMs, detail: "through the jump host" })
    progress.stage = "banner"
    return { socket: stream, reuseChunks: () => undefined }
  }
  const clock = yield* Clock.Clock
  let resolved = start
  const dnsDone = (detail: string) =>
    options.emit({ _tag: "StageDone", stage: "dns", durationMs: Number(resolved - start) / 1e6, detail })
  const { remoteAddress, reuseChunks, socket } = yield* Socket.open(
    { host: options.host, port: options.port, family: options.family },
    () => {
      resolved = clock.monotonicTimeNanosUnsafe()
      progress.stage = "tcp"
    }
  ).pipe(
    // The look-up was over when the connection failed, or its time ran out.
    Effect.tapError(({ reason }) => (reason._tag === "DnsFailed" ? Effect.void : dnsDone(""))),
    Effect.onInterrupt(() => (progress.stage === "tcp" ? dnsDone("") : Effect.void))
  )
  const connected = yield* Clock.monotonicTimeNanos
  yield* dnsDone(remoteAddress)
  yield* options.emit({
    _tag: "StageDone",
    stage: "tcp",
    durationMs: Number(connected - resolved) / 1e6,
    detail: `${remoteAddress} port ${options.port}`
  })
  progress.stage = "banner"
  return { socket, reuseChunks }
})
