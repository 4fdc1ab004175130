/**
 * From an open socket to an authenticated connection. The driver's callbacks go into a queue, and one loop answers
 * them, so that looking a host key up or asking an agent is an effect like any other.
 */
import { Clock, Deferred, Effect, Queue, Redacted, type Scope } from "effect"
import type { Duplex } from "node:stream"
import type * as Ssh2 from "ssh2"
import type { AlgorithmPreferences, Algorithms } from "../SshAlgorithms.ts"
import * as SshError from "../SshError.ts"
import * as SshPublicKey from "../SshPublicKey.ts"
import type { SshConnectEvent, Stage } from "../SshConnectEvent.ts"
import * as Algorithms_ from "./algorithms.ts"
import { Authentication, type Challenge } from "./auth.ts"
import { type Answer, tapAuthFailures } from "./authFailures.ts"
import { whileConnected } from "./channel.ts"
import type { AuthMethod, Credential } from "./credential.ts"
import * as Driver from "./driver.ts"
import * as Gcm from "./gcm.ts"
import { ServerHello } from "./serverHello.ts"
import * as WholeIdentification from "./wholeIdentification.ts"

export interface Options {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly socket: Duplex
  /** Signature algorithms for the host key, best first; `undefined` for all that the driver has. */
  readonly hostKeyAlgorithms: (
    supported: ReadonlyArray<string>
  ) => Effect.Effect<ReadonlyArray<string>, SshError.SshError>
  readonly verifyHostKey: (key: Uint8Array) => Effect.Effect<void, SshError.SshError>
  /** The error for a server that has none of the key types that are known for it, if any are. */
  readonly noKnownHostKey: Effect.Effect<void, SshError.SshError>
  /** Credentials are gathered when the server is ready for them. */
  readonly credentials: Effect.Effect<ReadonlyArray<Credential>, SshError.SshError, Scope.Scope>
  readonly password: Redacted.Redacted<string> | undefined
  /** Methods that may be used, best first. */
  readonly methods: ReadonlyArray<AuthMethod>
  readonly preferences: AlgorithmPreferences
  readonly compression: boolean
  readonly keepaliveMs: number
  readonly emit: (event: SshConnectEvent) => Effect.Effect<void>
  /** Keeps what is under way up to date, for a time limit from outside to name it. */
  readonly progress: Progress
}

export interface Progress {
  stage: Stage
  /** What something has sent that did not identify itself as an SSH server. */
  stranger: () => string
}

export interface Authenticated {
  readonly client: Ssh2.Client
  readonly identification: string
  readonly chosen: Algorithms
  readonly hostKey: { readonly keyType: string; readonly fingerprint: string }
  readonly attempts: ReadonlyArray<SshError.AuthAttempt>
  readonly banner: string
  /** Total of bytes received so far. */
  readonly receivedBytes: () => number
  /** Why the connection ended, in words, once it did. */
  readonly whyClosed: () => string | undefined
}

type Signal =
  | { readonly _tag: "Identified" }
  | { readonly _tag: "HostKey"; readonly key: Buffer; readonly answer: (accept: boolean) => void }
  | { readonly _tag: "Negotiated"; readonly algorithms: Ssh2.NegotiatedAlgorithms }
  | {
      readonly _tag: "NextAuth"
      readonly offers: ReadonlyArray<string> | null
      readonly partial: boolean
      readonly next: (method: Ssh2.AnyAuthMethod) => void
    }
  | { readonly _tag: "Challenge"; readonly challenge: Challenge }
  | { readonly _tag: "PasswordChange"; readonly prompt: string }
  | { readonly _tag: "Banner"; readonly text: string }
  | { readonly _tag: "Ready" }
  | { readonly _tag: "Failed"; readonly error: DriverError }
  | { readonly _tag: "Closed" }

type DriverError = Error & { readonly level?: string; readonly code?: string | number }

/** A banner may be many kB, and a server may send many of them. */
const maxBanner = 64 * 1024

/** As much of it as a message can hold. */
const maxLastWords = 300

/** PAM's words, by which sshd lets a key or password pass and then hangs up. */
const accountIsOver = /account (?:has|is) expired/i

/** A server that asks again and again was not content with the first answers. */
const maxChallenges = 8

export const authenticate = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<Authenticated, SshError.SshError, Scope.Scope> {
  const driver = yield* Driver.load
  const supported = yield* Algorithms_.offered(options.preferences, { compression: options.compression })
  const ours = { ...supported, serverHostKey: yield* options.hostKeyAlgorithms(supported.serverHostKey) }
  const hello = new ServerHello()
  const signals = yield* Queue.unbounded<Signal>()
  const signal = (next: Signal) => {
    Queue.offerUnsafe(signals, next)
  }

  const { progress } = options
  const closed = (detail: string) =>
    SshError.make(
      new SshError.ConnectionClosed({
        host: options.host,
        port: options.port,
        stage: progress.stage === "dns" ? "tcp" : progress.stage,
        detail
      })
    )
  // Of a socket that is closed already the driver hears nothing more.
  if (options.socket.destroyed) return yield* closed(codeOf(options.socket.errored))

  let received = 0
  const client = yield* Effect.acquireRelease(
    Effect.sync(() => new driver.Client()),
    (client) =>
      Effect.sync(() => {
        client.end()
        client.destroy()
      })
  )
  /** What came of the attempt that is under way: the server's no, or an agent that did not sign. */
  let answer: Answer | undefined
  let agentFailure: string | undefined
  let whyClosed: string | undefined
  let acceptedKey: Buffer | undefined
  client.on("error", (error: DriverError) => {
    // A key that an agent won't sign with is one attempt that failed; authentication goes on.
    if (error.level === "agent") {
      agentFailure = error.message
      return
    }
    whyClosed ??= error.message
    signal({ _tag: "Failed", error })
  })
  client.on("end", () => {
    whyClosed ??= "the server ended it"
  })
  Gcm.takeOver(client)
  client.on("handshake", (algorithms) => signal({ _tag: "Negotiated", algorithms }))
  client.on("banner", (text) => signal({ _tag: "Banner", text }))
  client.on("change password", (prompt) => signal({ _tag: "PasswordChange", prompt }))
  client.on("ready", () => signal({ _tag: "Ready" }))
  const over = yield* Deferred.make<void>()
  client.on("close", () => {
    whyClosed ??= "it was closed"
    signal({ _tag: "Closed" })
    Deferred.doneUnsafe(over, Effect.void)
  })
  client.connect({
    sock: options.socket,
    username: options.user,
    readyTimeout: 0,
    keepaliveInterval: options.keepaliveMs,
    // Only the pings are the driver's: it counts replies alone, and would call a busy slow link dead.
    keepaliveCountMax: Number.POSITIVE_INFINITY,
    algorithms: Algorithms_.forDriver(ours),
    // A server that is not OpenSSH says for itself which of OpenSSH's extensions it has.
    strictVendor: false,
    hostVerifier: (key: Buffer, answer: (accept: boolean) => void) => {
      // Each later key exchange shows a key as well, which must be the one that was accepted.
      if (acceptedKey !== undefined) return acceptedKey.equals(key)
      signal({ _tag: "HostKey", key, answer })
      return undefined
    },
    authHandler: (offers, partial, next) => {
      signal({ _tag: "NextAuth", offers: offers as ReadonlyArray<string> | null, partial: partial === true, next })
    }
  })
  const tapped = tapAuthFailures(client, (offers, partial) => {
    answer = { offers, partial }
  })
  WholeIdentification.holdUntil(client, () => hello.identification !== undefined || hello.done)
  // The driver has paused the socket, so that this listener misses nothing and starts nothing; it is the first one.
  options.socket.on("data", (chunk: Buffer) => {
    received += chunk.length
    if (hello.done) return
    const known = hello.identification
    hello.push(chunk)
    if (known === undefined && hello.identification !== undefined) signal({ _tag: "Identified" })
  })

  progress.stranger = () => hello.stranger
  const stageDone = yield* stopwatch(options.emit)
  let authentication: Authentication | undefined
  let chosen: Algorithms | undefined
  let hostKey = { keyType: "", fingerprint: "" }
  let banner = ""
  let challenges = 0

  const rejection = (detail?: string) =>
    SshError.make(
      new SshError.AuthRejected({
        host: options.host,
        port: options.port,
        user: options.user,
        attempts: [...(authentication?.attempts ?? [])],
        serverOffers: [...(authentication?.offers ?? [])],
        ...(detail === undefined ? {} : { detail })
      })
    )

  let emitted = 0
  const emitAttempts = Effect.suspend(() => {
    const news = authentication?.attempts.slice(emitted) ?? []
    emitted += news.length
    return Effect.forEach(news, (attempt) => options.emit({ _tag: "AuthTried", attempt }), { discard: true })
  })

  /** Answers the driver, which throws where the connection has ended meanwhile. */
  const tell = (reply: () => void): void => whileConnected(reply, () => signal({ _tag: "Closed" }))

  /** What the server said last for people to read, once something was tried. */
  let lastWords = ""
  const hungUp = Effect.fnUntraced(function* (detail: string) {
    if (!accountIsOver.test(lastWords)) return yield* closed(detail)
    authentication?.rejected(authentication.offers, false, lastWords)
    yield* emitAttempts
    return yield* rejection(lastWords)
  })

  const failed = Effect.fnUntraced(function* (error: DriverError) {
    const detail = error.message
    if (detail === "Bad packet length" && progress.stage === "auth") {
      return yield* SshError.make(new SshError.PacketTooLong({ host: options.host, port: options.port }))
    }
    if (error.level === "handshake" && hello.lists !== undefined) {
      const mismatch = Algorithms_.firstMismatch(ours, hello.lists)
      if (mismatch !== undefined) {
        yield* options.emit({ _tag: "Offered", ours, theirs: hello.lists })
        if (mismatch.kind === "host-key") yield* options.noKnownHostKey
        return yield* SshError.make(
          new SshError.NoCommonAlgorithm({ host: options.host, port: options.port, ...mismatch })
        )
      }
    }
    if (progress.stage === "banner" && progress.stranger() !== "") {
      const words = turnedAway.exec(hello.received)
      if (words !== null) return yield* closed(words[0])
      return yield* SshError.make(
        new SshError.NotSsh({ host: options.host, port: options.port, received: hello.received })
      )
    }
    if (progress.stage === "auth" && (error.level === "client-authentication" || authentication !== undefined)) {
      if (typeof error.code === "number") {
        // A disconnect (RFC 4253, section 11.1) answers the attempt that is under way, such as one key too many.
        authentication?.rejected(authentication.offers, false, detail)
        yield* emitAttempts
        return yield* rejection(detail)
      }
      if (error.level === "client-authentication") return yield* rejection()
    }
    return yield* hungUp(typeof error.code === "string" ? error.code : detail)
  })

  /** Fails with the end of the connection, for a step that may take long to race with. */
  const gone = Effect.gen(function* () {
    yield* Deferred.await(over)
    for (const next of yield* Queue.takeAll(signals)) if (next._tag === "Failed") return yield* failed(next.error)
    return yield* hungUp("")
  })

  for (;;) {
    const next = yield* Queue.take(signals)
    switch (next._tag) {
      case "Identified": {
        yield* options.emit({ _tag: "Identified", identification: hello.identification ?? "" })
        yield* stageDone("banner", hello.identification ?? "")
        progress.stage = "kex"
        break
      }
      case "HostKey": {
        if (hello.lists !== undefined) yield* options.emit({ _tag: "Offered", ours, theirs: hello.lists })
        yield* stageDone("kex", "")
        progress.stage = "host-key"
        hostKey = describeKey(next.key)
        yield* options.emit({ _tag: "HostKeyShown", ...hostKey })
        yield* options.verifyHostKey(next.key)
        yield* stageDone("host-key", `${hostKey.keyType} ${hostKey.fingerprint}`)
        acceptedKey = Buffer.from(next.key)
        tell(() => next.answer(true))
        break
      }
      case "Negotiated": {
        chosen = Algorithms_.negotiated(next.algorithms)
        yield* options.emit({ _tag: "Negotiated", chosen })
        progress.stage = "auth"
        break
      }
      case "NextAuth": {
        if (authentication === undefined) {
          authentication = new Authentication({
            user: options.user,
            credentials: yield* Effect.raceFirst(options.credentials, gone),
            password: options.password,
            methods: options.methods,
            onChallenge: (challenge) => signal({ _tag: "Challenge", challenge })
          })
        } else {
          if (!tapped) answer = { offers: next.offers ?? [], partial: next.partial }
          if (answer !== undefined) authentication.rejected(answer.offers, answer.partial)
          else if (agentFailure !== undefined) authentication.failed("rejected", agentFailure)
          else authentication.failed("skipped", "the server takes no signature algorithm that fits the key")
        }
        const method = authentication.next()
        yield* emitAttempts
        if (method === undefined) return yield* rejection()
        answer = undefined
        agentFailure = undefined
        tell(() => next.next(method))
        break
      }
      case "Challenge": {
        const { prompts, answer } = next.challenge
        challenges += 1
        if (challenges > maxChallenges) {
          authentication?.failed("rejected", "the server asked again and again")
          yield* emitAttempts
          return yield* rejection()
        }
        const renewal = prompts.find((prompt) => /new password|expired/i.test(prompt.prompt))
        if (renewal !== undefined) {
          return yield* expired(options, renewal.prompt)
        }
        // Only a question whose answer is not shown is one for the password.
        tell(() => answer(prompts.map((prompt) => (prompt.echo === true ? "" : passwordOf(options.password)))))
        break
      }
      case "PasswordChange":
        return yield* expired(options, next.prompt)
      case "Banner": {
        if (authentication !== undefined) lastWords = next.text.trim().slice(0, maxLastWords)
        if (banner.length < maxBanner) {
          banner += next.text.slice(0, maxBanner - banner.length)
          yield* options.emit({ _tag: "BannerShown", text: next.text.slice(0, maxBanner) })
        }
        break
      }
      case "Ready": {
        authentication?.accepted()
        yield* emitAttempts
        const last = authentication?.attempts.at(-1)
        // Nobody listens any more: a server that goes on with banners must not fill the memory.
        yield* Queue.shutdown(signals)
        yield* stageDone("auth", last === undefined ? `${options.user} (none)` : `${options.user}, ${last.summary}`)
        return {
          client,
          identification: hello.identification ?? "",
          chosen: chosen ?? ours,
          hostKey,
          attempts: authentication?.attempts ?? [],
          banner,
          receivedBytes: () => received,
          whyClosed: () => whyClosed
        }
      }
      case "Failed":
        return yield* failed(next.error)
      case "Closed":
        return yield* hungUp("")
    }
  }
})

const passwordOf = (password: Redacted.Redacted<string> | undefined): string =>
  password === undefined ? "" : Redacted.value(password)

const expired = (options: Options, prompt: string): SshError.SshError =>
  SshError.make(
    new SshError.PasswordExpired({ host: options.host, user: options.user, prompt: prompt.trim().slice(0, 200) })
  )

/** Emits a finished stage with the time since the one before it. */
const stopwatch = (emit: Options["emit"]) =>
  Effect.map(Clock.monotonicTimeNanos, (start) => {
    let since = start
    return Effect.fnUntraced(function* (stage: Stage, detail: string) {
      const now = yield* Clock.monotonicTimeNanos
      const durationMs = Number(now - since) / 1e6
      since = now
      yield* emit({ _tag: "StageDone", stage, durationMs, detail })
    })
  })

/** Key type and fingerprint of a public key in wire format. */
const describeKey = (key: Buffer): { readonly keyType: string; readonly fingerprint: string } => {
  const length = key.length >= 4 ? key.readUInt32BE(0) : 0
  return {
    keyType: key.toString("latin1", 4, 4 + Math.min(length, 64)),
    fingerprint: SshPublicKey.fingerprint(key)
  }
}

/** The words of OpenSSH's sshd for a client that it turns away before it names itself. */
const turnedAway = /^(?:Exceeded MaxStartups|Not allowed at this time)/

const codeOf = (error: (Error & { readonly code?: string }) | null): string => error?.code ?? error?.message ?? ""
