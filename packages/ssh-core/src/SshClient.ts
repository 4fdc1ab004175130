/**
 * A connection to one machine over SSH, open for as long as its scope, and the commands that run over it.
 *
 * @since 0.1.0
 */
import { Context, Deferred, Duration, Effect, type FileSystem, Layer, type Redacted, type Scope } from "effect"
import type { Duplex } from "node:stream"
import type { ClientPlatform } from "./ClientPlatform.ts"
import type { HostKeys } from "./HostKeys.ts"
import * as AlgorithmChoice from "./internal/algorithms.ts"
import type { AuthMethod as AuthMethod_ } from "./internal/credential.ts"
import * as Connect from "./internal/connect.ts"
import * as HostKeyCheck from "./internal/hostKeyCheck.ts"
import * as Identities from "./internal/identities.ts"
import * as Keeper from "./internal/keeper.ts"
import * as Operations from "./internal/operations.ts"
import type { Sftp } from "./Sftp.ts"
import type { Address as Address_, Incoming as Incoming_ } from "./internal/streamEnd.ts"
import type { SshCommand } from "./SshCommand.ts"
import type { AlgorithmPreferences, Algorithms } from "./SshAlgorithms.ts"
import type { SshConnectEvent } from "./SshConnectEvent.ts"
import type * as SshError from "./SshError.ts"
import type { ExecOptions, ExecResult, RunningCommand, SpawnedProcess, SpawnOptions, StartOptions } from "./SshExec.ts"
import type * as SshInteract from "./SshInteract.ts"

/**
 * Where to connect to and how to log in. `SshLogin` makes these out of what a person writes and of `~/.ssh/config`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  readonly host: string
  /** Default: 22. */
  readonly port?: number | undefined
  readonly user: string
  /** Private key files, in the order in which they are offered. */
  readonly identities?: ReadonlyArray<Identity> | undefined
  /** Opens encrypted keys. */
  readonly passphrase?: Redacted.Redacted<string> | undefined
  /** Sockets or named pipes where an agent may listen, best first (see `SshAgent.locate`). Default: no agent. */
  readonly agentPaths?: ReadonlyArray<string> | undefined
  /** Offer no keys of the agent but those that an identity names. Default: `false`. */
  readonly identitiesOnly?: boolean | undefined
  /** For the methods `password` and `keyboard-interactive`, which are not tried without it. */
  readonly password?: Redacted.Redacted<string> | undefined
  /** Methods that may be used, best first. Default: publickey, password, keyboard-interactive. */
  readonly methods?: ReadonlyArray<AuthMethod> | undefined
  /** Look the host key up under this name instead of the host's. */
  readonly hostKeyAlias?: string | undefined
  /** Limit for everything from the name look-up to the end of authentication. Default: 30 seconds. */
  readonly connectTimeout?: Duration.Input | undefined
  /**
   * How a dead connection is found: a request every `interval`, and the end when nothing at all has been received for
   * `interval` x `countMax`. Default: 3 seconds, 3 times. `false` for none.
   */
  readonly keepalive?: { readonly interval: Duration.Input; readonly countMax: number } | false | undefined
  /** Default: `false`. */
  readonly compression?: boolean | undefined
  /** Only IPv4 or only IPv6 addresses. Default: whichever answers. */
  readonly family?: 4 | 6 | undefined
  /** Changes to the algorithms that are offered. */
  readonly algorithms?: AlgorithmPreferences | undefined
  /** The fewest bits of an RSA key, the host's or the user's. */
  readonly requiredRsaBits?: number | undefined
  /** Sessions that may be open at once; OpenSSH allows 10 unless its MaxSessions says otherwise. Default: 10. */
  readonly maxSessions?: number | undefined
  /** Sessions opened ahead, so that a command costs one round trip. Default: 3; none to a dropbear server. */
  readonly spareSessions?: number | undefined
  /**
   * How long commands may go on while nothing at all comes from here, though the connection is not known to be gone: a
   * client without power, a network that swallows everything. When the connection ends they are killed at once. At least
   * 5 seconds. Default: 5 minutes. `false`: until the server notices.
   */
  readonly commandLease?: Duration.Input | false | undefined
  /** Reach the host through this connection instead of directly. */
  readonly via?: SshClient["Service"] | undefined
  /** Called for each event while the connection is made. */
  readonly onEvent?: ((event: SshConnectEvent) => Effect.Effect<void>) | undefined
}

/**
 * A private key file. `required` is one that was named for this very connection: when it can't be used, connecting fails
 * with the reason. One that is `configured` or `default` is passed over, and named if the login fails.
 *
 * @since 0.1.0
 * @category models
 */
export type Identity = Identities.Identity

/**
 * @since 0.1.0
 * @category models
 */
export type AuthMethod = AuthMethod_

/**
 * What became of connecting. Everything that the server said is data.
 *
 * @since 0.1.0
 * @category models
 */
export interface ConnectionInfo {
  readonly host: string
  readonly port: number
  readonly user: string
  /** The server's identification, such as `SSH-2.0-OpenSSH_9.2p1`. */
  readonly serverVersion: string
  readonly algorithms: Algorithms
  readonly hostKey: { readonly keyType: string; readonly fingerprint: string }
  readonly authAttempts: ReadonlyArray<SshError.AuthAttempt>
  /** What the server shows before the login; at most 64 KiB. */
  readonly banner: string
}

/**
 * An end of a stream: a TCP port, or the path of a Unix socket.
 *
 * @since 0.1.0
 * @category models
 */
export type Address = Address_

/**
 * A connection to what the machine listens on for us. It is told that it failed unless it is accepted, and closed with
 * the scope that accepts it.
 *
 * @since 0.1.0
 * @category models
 */
export type Incoming = Incoming_

/**
 * A connected machine.
 *
 * @since 0.1.0
 * @category services
 */
export class SshClient extends Context.Service<
  SshClient,
  {
    readonly connection: ConnectionInfo
    /**
     * Runs a command to its end. A timeout, or interruption of this effect, kills the command's process group on the
     * machine.
     */
    readonly exec: <E = never, R = never>(
      command: SshCommand,
      options?: ExecOptions<E, R>
    ) => Effect.Effect<ExecResult, SshError.SshError | E, R>
    /** Starts a command, and hands out its output as it comes. */
    readonly start: <R = never>(
      command: SshCommand,
      options?: StartOptions<never, R>
    ) => Effect.Effect<RunningCommand, SshError.SshError, Scope.Scope | R>
    /**
     * Starts a process with its streams apart; what `SshProcess` is made of. Fails with `NotFound` or
     * `PermissionDenied` when the machine can't start the program, or not in that folder.
     */
    readonly spawn: (
      command: SshCommand,
      options?: SpawnOptions
    ) => Effect.Effect<SpawnedProcess, SshError.SshError, Scope.Scope>
    /**
     * Runs a command in a terminal and answers what it asks, step by step. Fails with `ExpectTimeout`, `ExpectEnded`,
     * or `PromptDetected` for a question that no step answers; what was running is killed.
     */
    readonly interact: (
      command: SshCommand,
      steps: ReadonlyArray<SshInteract.Step>,
      options?: SshInteract.Options
    ) => Effect.Effect<SshInteract.Result, SshError.SshError>
    /**
     * Opens an SFTP session, which takes one of the connection's sessions for as long as the scope. Waits where none is
     * free, unless told to fail `atOnce`. Fails with `ChannelRefused` where the machine has no SFTP subsystem.
     */
    readonly sftp: (options?: { readonly atOnce?: boolean }) => Effect.Effect<Sftp, SshError.SshError, Scope.Scope>
    /**
     * A stream to a port or a Unix socket as the machine sees them, like `ssh -W`. It ends as the other side ends it, and
     * fails with an `error` event when the connection is lost. What can't be reached fails with `ChannelRefused`.
     */
    readonly dial: (to: Address) => Effect.Effect<Duplex, SshError.SshError, Scope.Scope>
    /**
     * Has the machine listen on a port (0 for any that is free) or a Unix socket for as long as the scope, and answers
     * what it listens on. `onConnection` runs for each connection and ends with the scope. Fails with `PortInUse`, or
     * `ChannelRefused` where the server does not allow it.
     *
     * **Gotchas**
     *
     * OpenSSH leaves the file of a Unix socket behind, and by default it listens on its loopback addresses whatever host
     * it is asked for (`GatewayPorts` of sshd_config(5)). dropbear goes on listening until the connection ends, and
     * closes what connects.
     */
    readonly listen: <R>(
      at: Address,
      onConnection: (connection: Incoming) => Effect.Effect<void, never, R>
    ) => Effect.Effect<Address, SshError.SshError, Scope.Scope | R>
    /** Succeeds when the machine has the SFTP subsystem, else fails with `ChannelRefused`. */
    readonly checkSftp: Effect.Effect<void, SshError.SshError>
    /** Succeeds when the connection is over, with the reason in words. */
    readonly closed: Effect.Effect<string>
  }
>()("@toehold/ssh-core/SshClient") {}

const defaultMethods: ReadonlyArray<AuthMethod> = ["publickey", "password", "keyboard-interactive"]

/**
 * Connects and logs in; the scope's end closes the connection. Fails with an `SshError` that names the stage and the
 * cause: `DnsFailed`, `ConnectionRefused`, `ConnectTimeout`, `HostUnreachable`, `NotSsh`, `ConnectionClosed`,
 * `NoCommonAlgorithm`, the `HostKey…` reasons, the `Key…` reasons, `AuthRejected`, `PasswordExpired`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<
  SshClient["Service"],
  SshError.SshError,
  Scope.Scope | HostKeys | FileSystem.FileSystem | ClientPlatform
> {
  const port = options.port ?? 22
  const keepalive = options.keepalive ?? { interval: "3 seconds", countMax: 3 }
  const methods = options.methods ?? defaultMethods
  const { via } = options
  const context = yield* Effect.context<FileSystem.FileSystem | ClientPlatform>()
  const settings: Connect.Options = {
    host: options.host,
    port,
    user: options.user,
    family: options.family,
    through: via === undefined ? undefined : via.dial({ host: options.host, port }),
    hostKeys: yield* HostKeyCheck.make({
      host: options.host,
      port,
      alias: options.hostKeyAlias,
      algorithms: options.algorithms?.hostKey,
      requiredRsaBits: options.requiredRsaBits
    }),
    preferences: options.algorithms ?? {},
    credentials: (methods.includes("publickey")
      ? Identities.gather({
          identities: options.identities ?? [],
          passphrase: options.passphrase,
          agentPaths: options.agentPaths ?? [],
          identitiesOnly: options.identitiesOnly ?? false,
          objection: AlgorithmChoice.keyObjection(options.algorithms?.publicKey, options.requiredRsaBits)
        })
      : Effect.succeed([])
    ).pipe(Effect.provideContext(context)),
    methods,
    password: options.password,
    compression: options.compression ?? false,
    connectTimeout: Duration.fromInputUnsafe(options.connectTimeout ?? "30 seconds"),
    keepalive:
      keepalive === false
        ? undefined
        : { interval: Duration.fromInputUnsafe(keepalive.interval), countMax: keepalive.countMax },
    maxSessions: options.maxSessions ?? 10,
    spareSessions: options.spareSessions ?? 3,
    keeper: Keeper.none,
    emit: (event) => Effect.andThen(logEvent(event), options.onEvent?.(event) ?? Effect.void)
  }
  const lease = options.commandLease ?? "5 minutes"
  // The caller hears of the connection that was asked for, and of no other.
  const alone = { ...settings, spareSessions: 0, emit: logEvent }
  const connected = yield* Connect.connect({
    ...settings,
    keeper: {
      lease: lease === false ? undefined : Duration.fromInputUnsafe(lease),
      elsewhere: Effect.flatMap(Connect.connect(alone), ({ sessions }) => sessions.wait)
    }
  })
  return {
    connection: {
      host: options.host,
      port,
      user: options.user,
      serverVersion: connected.identification,
      algorithms: connected.chosen,
      hostKey: connected.hostKey,
      authAttempts: connected.attempts,
      banner: connected.banner
    },
    ...Operations.make(
      { ...connected, closed: Deferred.await(connected.closed) },
      { host: options.host, user: options.user },
      Connect.connect({ ...alone, keeper: connected.sessions.keeper })
    )
  }
})

/**
 * A connected machine as a layer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Options
): Layer.Layer<SshClient, SshError.SshError, HostKeys | FileSystem.FileSystem | ClientPlatform> =>
  Layer.effect(SshClient, make(options))

/** One structured line for each event; what a person needs to see why a handshake fails. */
const logEvent = (event: SshConnectEvent): Effect.Effect<void> => {
  const { _tag, ...fields } = event
  return Effect.logDebug(`ssh ${_tag}`).pipe(
    Effect.annotateLogs(
      event._tag === "AuthTried" ? { attempt: event.attempt.summary } : (fields as Record<string, unknown>) // plain data
    )
  )
}
