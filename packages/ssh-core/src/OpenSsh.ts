/**
 * A machine over the system's own `ssh`: for what the driver of `SshClient` can't do, such as user certificates, keys in
 * hardware (`sk-…`), Kerberos, host certificates, ciphers of another day, or `Match exec` and `ProxyCommand` of the
 * configuration. `ssh` connects, judges the host key and logs in; commands, signals, files and forwardings then go over its
 * connection as they do over one of our own.
 *
 * @since 0.1.0
 */
import { Context, Duration, Effect, FileSystem, Layer, type Path, type Redacted, Result, type Scope } from "effect"
import { ChildProcessSpawner } from "effect/process"
import { ClientPlatform } from "./ClientPlatform.ts"
import * as HostKeys from "./HostKeys.ts"
import * as Keeper from "./internal/keeper.ts"
import * as Connection from "./internal/openssh/connection.ts"
import * as Failure from "./internal/openssh/failure.ts"
import * as KnownKeys from "./internal/openssh/knownKeys.ts"
import * as Operations from "./internal/operations.ts"
import { SshClient } from "./SshClient.ts"
import * as SshConfig from "./SshConfig.ts"
import * as SshError from "./SshError.ts"
import * as SshFiles from "./SshFiles.ts"
import * as SshProcess from "./SshProcess.ts"
import * as SshTarget from "./SshTarget.ts"

/**
 * What is said beside the machine's name. Where the configuration says something too, this counts.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** What to do with host keys that are not known. Default: StrictHostKeyChecking of the configuration, else `accept-new`. */
  readonly hostKeyPolicy?: HostKeys.Policy | undefined
  /** Use this known_hosts file alone. */
  readonly knownHostsFile?: string | undefined
  /** Limit for everything until the login is over. Default: ConnectTimeout of the configuration, else 30 seconds. */
  readonly connectTimeout?: Duration.Input | undefined
  /**
   * The password of the account, for a server that asks for one. It is given once, to a question that names the account
   * (`SSH_ASKPASS` of OpenSSH 8.4 or later), and is in no argument, file or environment. Fails with `InvalidArgument` where
   * `ssh` does not share its connection (Windows).
   */
  readonly password?: Redacted.Redacted<string> | undefined
  /** The program. Default: `ssh`, as PATH has it. */
  readonly program?: string | undefined
  /**
   * Go over one connection, by a control socket (ControlMaster), where `ssh` can. Default: `true`, but on Windows, whose
   * OpenSSH can't.
   */
  readonly shareConnection?: boolean | undefined
  /** See `SshClient.Options`. */
  readonly maxSessions?: number | undefined
  /** See `SshClient.Options`. */
  readonly spareSessions?: number | undefined
  /** See `SshClient.Options`. */
  readonly commandLease?: Duration.Input | false | undefined
}

type Services = FileSystem.FileSystem | Path.Path | ClientPlatform | ChildProcessSpawner.ChildProcessSpawner

/** What our own reading of the configuration comes to; `ssh` may understand what it does not. */
const configuration = (target: SshTarget.SshTarget) =>
  Effect.map(Effect.result(SshConfig.resolve(target)), (resolved) =>
    Result.isSuccess(resolved) ? resolved.success : undefined
  )

const policyOf = (config: SshConfig.ResolvedTarget | undefined, options: Options): HostKeys.Policy | undefined =>
  options.hostKeyPolicy ??
  (config !== undefined && config.strictHostKeyChecking === undefined ? "accept-new" : undefined)

/**
 * Connects by the system's `ssh`, which asks nothing: what it would have to ask for is a failure. The scope's end closes
 * the connection and ends the program. Fails with the reasons that `SshClient.make` has, as far as `ssh` tells them, and
 * with `InvalidArgument` where there is no `ssh`.
 *
 * **Gotchas**
 *
 * Keys with a passphrase need an agent. A password is for the machine alone: jump hosts need a key. Where `ssh` can't share its connection (Windows, and before OpenSSH 7.4) each command
 * and each transfer makes one of its own: that is slow, an exit code from 129 to 159 counts as the signal that shells
 * mean by it, and the machine can't listen for us. `hostKeyPolicy`, `knownHostsFile` and the
 * target's own options are not for jump hosts, whose `ssh` reads the configuration alone.
 *
 * @since 0.1.0
 * @category constructors
 */
export const connect = Effect.fn("OpenSsh.connect")(function* (
  machine: string | SshTarget.SshTarget,
  options: Options = {}
): Effect.fn.Return<SshClient["Service"], SshError.SshError, Services | Scope.Scope> {
  const platform = yield* ClientPlatform
  const context = yield* Effect.context<FileSystem.FileSystem | Path.Path | ClientPlatform>()
  const target =
    typeof machine === "string" ? yield* Effect.fromResult(SshTarget.parse(machine, { platform })) : machine
  const config = yield* configuration(target)
  const connectTimeout = Duration.fromInputUnsafe(
    options.connectTimeout ?? { seconds: config?.connectTimeoutSeconds ?? 30 }
  )
  const defaults = HostKeys.defaultFiles(platform)
  const files = {
    userFiles:
      options.knownHostsFile === undefined
        ? (config?.userKnownHostsFiles ?? defaults.userFiles)
        : [options.knownHostsFile],
    globalFiles: options.knownHostsFile === undefined ? (config?.globalKnownHostsFiles ?? defaults.globalFiles) : []
  }
  const endpoint = {
    host: config?.hostName ?? target.host,
    port: config?.port ?? target.port ?? 22,
    user: config?.user ?? target.user ?? platform.userName,
    files: [...files.userFiles, ...files.globalFiles],
    connectTimeoutMs: Duration.toMillis(connectTimeout)
  }
  const hostKeyPolicy = policyOf(config, options)
  const program = options.program ?? "ssh"
  const shares = options.shareConnection ?? platform.os !== "win32"
  if (options.password !== undefined && !shares) return yield* SshError.make(Failure.noPassword(program))
  const names = [config?.hostKeyAlias, endpoint.host, target.host]
  const common: Omit<Connection.Options, "sessions"> = {
    spawner: yield* ChildProcessSpawner.ChildProcessSpawner,
    fs: yield* FileSystem.FileSystem,
    platform,
    program,
    target,
    hostKeyPolicy,
    knownHostsFile: options.knownHostsFile,
    connectTimeout,
    addsKeepalive: config?.serverAliveIntervalSeconds === undefined,
    endpoint,
    shares,
    asksPassword: options.password !== undefined,
    login: {
      password: options.password,
      user: endpoint.user,
      hosts: names.flatMap((name) => (name === undefined ? [] : [name.toLowerCase()])),
      // What is not understood may have some.
      hasJumps: config === undefined || config.proxyJump.length > 0
    },
    accept: ({ hostKey }) =>
      hostKeyPolicy === "off"
        ? Effect.provideContext(KnownKeys.check({ ...endpoint, ...hostKey }, files), context)
        : Effect.void
  }
  const lease = options.commandLease ?? "5 minutes"
  const maxSessions = options.maxSessions ?? 10
  const start = (sessions: Connection.Options["sessions"]) =>
    Connection.connect({ ...common, sessions }).pipe(
      Effect.catch((error) => KnownKeys.describe(error, files)),
      Effect.provideContext(context)
    )
  const alone = (keeper: Keeper.Keeper) => start({ maxSessions, spares: 0, keeper })
  const connected = yield* start({
    maxSessions,
    spares: options.spareSessions ?? 3,
    keeper: {
      lease: lease === false ? undefined : Duration.fromInputUnsafe(lease),
      elsewhere: Effect.flatMap(alone(Keeper.none), ({ sessions }) => sessions.wait)
    }
  })
  const { identification, report } = connected
  const { host, port } = endpoint
  const user = report.user === "" ? endpoint.user : report.user
  return {
    connection: {
      host,
      port: report.port ?? port,
      user,
      serverVersion: identification,
      algorithms: report.algorithms,
      hostKey: report.hostKey,
      authAttempts: report.attempts,
      banner: report.banner
    },
    ...Operations.make(connected, { host, user }, alone(connected.sessions.keeper))
  }
})

/**
 * A machine over the system's `ssh`: the connection, its processes and its files. Files go by SFTP, and by shell commands
 * where the server has none.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  machine: string | SshTarget.SshTarget,
  options?: Options
): Layer.Layer<
  SshClient | ChildProcessSpawner.ChildProcessSpawner | FileSystem.FileSystem,
  SshError.SshError,
  Services
> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const client = yield* connect(machine, options)
      const processes = SshProcess.fromClient(client)
      const context = Context.make(SshClient, client).pipe(
        Context.add(ChildProcessSpawner.ChildProcessSpawner, processes)
      )
      return Context.add(context, FileSystem.FileSystem, yield* Effect.provideContext(SshFiles.make(), context))
    })
  )
