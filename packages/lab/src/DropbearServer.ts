/**
 * The machine's real dropbear, the SSH server of small systems, on a free port with keys and an account of its own.
 *
 * It reads `authorized_keys` in the account's home folder and nowhere else, so it needs private accounts (see the
 * `Account` module) and never touches a real home.
 *
 * @since 0.1.0
 */
import { Context, Effect, Layer } from "effect"
import type { FileSystem, Path, Scope } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import type { Account } from "./Account.ts"
import { LabError } from "./LabError.ts"
import * as PrivateAccount from "./internal/privateAccount.ts"
import * as ServerProcess from "./internal/serverProcess.ts"
import * as Workplace from "./internal/workplace.ts"
import type { KeyType } from "./KeyPair.ts"
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
  /** Default: Ed25519. */
  readonly userKeyType?: KeyType
  /** Lines for `authorized_keys` besides the server's own key. */
  readonly authorizedKeys?: ReadonlyArray<string>
  /** Further arguments (dropbear(8)): `-w`, `-T 2`, … */
  readonly args?: ReadonlyArray<string>
  /** The account to log in to; dropbear asks for its password by the method `password` only. */
  readonly account?: Account
}

/**
 * The running server.
 *
 * @since 0.1.0
 * @category services
 */
export class DropbearServer extends Context.Service<
  DropbearServer,
  SshServer &
    ServerControls & {
      /** Home folder of the account, in the temporary folder. */
      readonly homeDir: string
    }
>()("@toehold/lab/DropbearServer") {}

/**
 * Starts the server. It ends, with everything that its sessions started, when the scope closes.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fn("DropbearServer.make")(function* (
  options: Options = {}
): Effect.fn.Return<
  DropbearServer["Service"],
  LabError,
  Scope.Scope | FileSystem.FileSystem | Path.Path | ChildProcessSpawner.ChildProcessSpawner
> {
  const program = RealPart.find("dropbear")
  const convert = RealPart.find("dropbearconvert")
  if (program === undefined || convert === undefined) {
    return yield* new LabError({ message: "There is no dropbear on this machine" })
  }
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const host = options.address ?? "127.0.0.1"
  const place = yield* Workplace.make(options.userKeyType ?? "ed25519", options.hostKeyTypes ?? ["ed25519", "ecdsa"])
  const account = yield* PrivateAccount.make(options.account ?? {}, place.tempDir)
  if (!account.isPrivate) {
    return yield* new LabError({ message: "dropbear reads the real home folder where accounts can't be private" })
  }
  yield* account.writeHomeFile(
    ".ssh/authorized_keys",
    [place.key.publicKey, ...(options.authorizedKeys ?? []), ""].join("\n")
  )
  const hostKeyArguments = yield* Effect.forEach(place.hostKeys, (key) =>
    Effect.gen(function* () {
      const source = yield* place.write(`host_${key.type}`, key.privateKey)
      const target = place.path(`dropbear_${key.type}_host_key`)
      yield* spawner
        .string(ChildProcess.make(convert, ["openssh", "dropbear", source, target]))
        .pipe(Effect.mapError((cause) => new LabError({ message: `Could not convert the ${key.type} key`, cause })))
      return ["-r", target]
    })
  )
  const server = yield* ServerProcess.make({
    name: "dropbear",
    address: host,
    command: (port) =>
      account.enter([
        program,
        "-F",
        "-E",
        "-m",
        "-P",
        place.path("pid"),
        "-p",
        host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`,
        ...(options.account?.password === undefined ? ["-s"] : []),
        ...hostKeyArguments.flat(),
        ...(options.args ?? [])
      ]),
    ready: /Not backgrounding/
  })
  const described = yield* Workplace.describe(place, {
    host,
    port: server.port,
    user: account.user,
    log: server.log
  })
  return { ...described, ...server.controls, homeDir: account.homeDir }
})

/**
 * The server as a layer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Options = {}
): Layer.Layer<DropbearServer, LabError, FileSystem.FileSystem | Path.Path | ChildProcessSpawner.ChildProcessSpawner> =>
  Layer.effect(DropbearServer, make(options))
