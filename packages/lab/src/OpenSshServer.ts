/**
 * The machine's real `sshd` on a free port, with keys, configuration and an account of its own.
 *
 * @since 0.1.0
 */
import { Context, Effect, FileSystem, Layer } from "effect"
import type { Path, Scope } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import type { Account } from "./Account.ts"
import { LabError } from "./LabError.ts"
import * as PrivateAccount from "./internal/privateAccount.ts"
import * as ServerProcess from "./internal/serverProcess.ts"
import * as Workplace from "./internal/workplace.ts"
import type { KeyPair, KeyType } from "./KeyPair.ts"
import * as RealPart from "./RealPart.ts"
import type { ServerControls, SshServer } from "./SshServer.ts"

/**
 * What may be said of the server; everything has a default.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Default: `127.0.0.1`. */
  readonly address?: "127.0.0.1" | "::1"
  /** Default: Ed25519 and ECDSA. */
  readonly hostKeyTypes?: ReadonlyArray<KeyType>
  /** Host keys that there are already, instead of new ones. */
  readonly hostKeys?: ReadonlyArray<KeyPair>
  /** Default: Ed25519. */
  readonly userKeyType?: KeyType
  /** Lines for `authorized_keys` besides the server's own key. */
  readonly authorizedKeys?: ReadonlyArray<string>
  /** Lines of `sshd_config` (sshd_config(5)); they win over the lines that the server is given anyway. */
  readonly config?: ReadonlyArray<string>
  /** The account to log in to; see the `Account` module. */
  readonly account?: Account
  /** Asks for the account's password by `keyboard-interactive`, through PAM. */
  readonly keyboardInteractive?: boolean
}

/**
 * The running server.
 *
 * @since 0.1.0
 * @category services
 */
export class OpenSshServer extends Context.Service<
  OpenSshServer,
  SshServer &
    ServerControls & {
      /** Home folder of the account, in the temporary folder. */
      readonly homeDir: string
      readonly configPath: string
      /** The command line that runs a program in the account's surroundings without a login. */
      readonly enter: PrivateAccount.PrivateAccount["enter"]
      /** How many TCP connections the server has logged so far (`LogLevel VERBOSE`, the default here, or more). */
      readonly connectionCount: Effect.Effect<number>
    }
>()("@toehold/lab/OpenSshServer") {}

const privilegeSeparationDir = "/run/sshd"

const yesNo = (value: boolean | undefined): string => (value === true ? "yes" : "no")

/**
 * Starts the server. It ends, with everything that its sessions started, when the scope closes.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fn("OpenSshServer.make")(function* (
  options: Options = {}
): Effect.fn.Return<
  OpenSshServer["Service"],
  LabError,
  Scope.Scope | FileSystem.FileSystem | Path.Path | ChildProcessSpawner.ChildProcessSpawner
> {
  const program = RealPart.find("sshd")
  if (program === undefined) return yield* new LabError({ message: "There is no sshd on this machine" })
  const fs = yield* FileSystem.FileSystem
  const host = options.address ?? "127.0.0.1"
  const place = yield* Workplace.make(
    options.userKeyType ?? "ed25519",
    options.hostKeys ?? options.hostKeyTypes ?? ["ed25519", "ecdsa"]
  )
  const account = yield* PrivateAccount.make(options.account ?? {}, place.tempDir)
  const authorizedKeys = [place.key.publicKey, ...(options.authorizedKeys ?? []), ""].join("\n")
  yield* account.writeHomeFile(".ssh/authorized_keys", authorizedKeys)
  const hostKeyPaths = yield* Effect.forEach(place.hostKeys, (key) =>
    place.write(`ssh_host_${key.type}_key`, key.privateKey)
  )

  // The first value wins in sshd_config, and a Match block reaches to the end of the file.
  const given = options.config ?? []
  const firstMatch = given.findIndex((line) => /^\s*match\s/i.test(line))
  const global = firstMatch === -1 ? given : given.slice(0, firstMatch)
  const hasSubsystem = global.some((line) => /^\s*subsystem\s+sftp\s/i.test(line))
  const usesPassword = options.account?.password !== undefined
  const configPath = yield* place.write(
    "sshd_config",
    [
      ...global,
      ...hostKeyPaths.map((path) => `HostKey ${path}`),
      `AuthorizedKeysFile ${account.homeDir}/.ssh/authorized_keys`,
      ...(account.isPrivate ? [] : [`SetEnv HOME=${account.homeDir}`]),
      "StrictModes no",
      "PidFile none",
      "PermitRootLogin yes",
      "LogLevel VERBOSE",
      `UsePAM ${yesNo(options.keyboardInteractive)}`,
      `PasswordAuthentication ${yesNo(usesPassword)}`,
      `KbdInteractiveAuthentication ${yesNo(options.keyboardInteractive)}`,
      "PrintMotd no",
      "PrintLastLog no",
      ...(hasSubsystem ? [] : ["Subsystem sftp internal-sftp"]),
      ...(firstMatch === -1 ? [] : given.slice(firstMatch)),
      ""
    ].join("\n")
  )
  if (process.getuid?.() === 0) {
    // sshd insists on this folder when root starts it; a service manager would have made it at boot.
    yield* fs
      .makeDirectory(privilegeSeparationDir, { recursive: true, mode: 0o755 })
      .pipe(Effect.mapError((cause) => new LabError({ message: `Could not make ${privilegeSeparationDir}`, cause })))
  }

  const server = yield* ServerProcess.make({
    name: "sshd",
    address: host,
    command: (port) =>
      account.enter([program, "-D", "-e", "-f", configPath, "-o", `ListenAddress=${host}`, "-p", String(port)]),
    ready: /^Server listening on /m
  })
  const described = yield* Workplace.describe(place, {
    host,
    port: server.port,
    user: account.user,
    log: server.log
  })
  return {
    ...described,
    ...server.controls,
    homeDir: account.homeDir,
    configPath,
    enter: account.enter,
    connectionCount: Effect.map(server.log, (log) => log.match(/^Connection from /gm)?.length ?? 0)
  }
})

/**
 * The server as a layer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Options = {}
): Layer.Layer<OpenSshServer, LabError, FileSystem.FileSystem | Path.Path | ChildProcessSpawner.ChildProcessSpawner> =>
  Layer.effect(OpenSshServer, make(options))
