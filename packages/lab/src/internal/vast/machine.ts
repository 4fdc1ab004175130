/** The rented machine behind an instance: its files, which outlive a stop, and its SSH servers, which don't. */
import { Effect, Exit, FileSystem, Path, Ref, Scope } from "effect"
import { ChildProcess, type ChildProcessSpawner } from "effect/process"
import * as AuthScript from "../../AuthScript.ts"
import * as FaultProxy from "../../FaultProxy.ts"
import * as InProcessServer from "../../InProcessServer.ts"
import * as KeyPair from "../../KeyPair.ts"
import { LabError } from "../../LabError.ts"
import * as OpenSshServer from "../../OpenSshServer.ts"
import type { PrivateAccount } from "../privateAccount.ts"
import * as ProcessTree from "../processTree.ts"
import type { Address } from "./addresses.ts"
import { bannerPath, bootCommand, type Stock, type Where } from "./stock.ts"

type Services = FileSystem.FileSystem | Path.Path | ChildProcessSpawner.ChildProcessSpawner

/** The machine, and what the simulator does to it. */
export interface Machine {
  readonly publicHost: string
  readonly direct: Address | undefined
  readonly proxy: Address | undefined
  readonly homeDir: string
  /** The server's own log, of both addresses. */
  readonly log: Effect.Effect<string>
  /** Host keys by address. They are made anew when the machine is. */
  readonly hostKeys: Effect.Effect<HostKeys>
  /** Starts the servers; nobody reaches them until the doors are open. */
  readonly start: Effect.Effect<void, LabError>
  readonly openDoors: Effect.Effect<void, LabError>
  /** From now on these keys let in. */
  readonly admit: (publicKeys: ReadonlyArray<string>) => Effect.Effect<void, LabError>
  /** Ends the servers and all that their sessions started; the files stay. */
  readonly stop: Effect.Effect<void, LabError>
  /** Puts the files and the host keys back to new. */
  readonly renew: Effect.Effect<void, LabError>
  /** Stops it, removes its files and closes its addresses. */
  readonly remove: Effect.Effect<void>
}

/**
 * What instances are: OpenSSH's server in an account of its own, the lab's own server, or nothing but what the API says
 * of them.
 *
 * @since 0.1.0
 * @category models
 */
export type Kind = "openssh" | "in-process" | "none"

/**
 * What becomes of connections to each address once the instance's SSH server listens: `forward` unless said otherwise,
 * `refuse`, `stall`, or `drop` as behind a firewall.
 *
 * @since 0.1.0
 * @category models
 */
export interface Doors {
  readonly direct?: FaultProxy.Welcome
  readonly proxy?: FaultProxy.Welcome
}

export interface HostKeys {
  readonly direct: ReadonlyArray<KeyPair.KeyPair>
  readonly proxy: ReadonlyArray<KeyPair.KeyPair>
}

export interface Options {
  readonly kind: Kind
  readonly direct: Address | undefined
  readonly proxy: Address | undefined
  /** What is on the machine when it is new. */
  readonly stock: Stock
  readonly workspace: "root" | "home"
  readonly doors: Doors
  /** What runs at each start, instead of the image's own. */
  readonly onstart: string | undefined
  /** What the container's own processes have in their environment, and logins don't. */
  readonly env: () => Readonly<Record<string, string>>
  /** Where its files are, which stay there when the simulator ends; as they are, where they are there already. */
  readonly place: string | undefined
  /** Those of before, where it is not a new machine. */
  readonly hostKeys: HostKeys | undefined
}

const failed = (message: string) => (cause: unknown) => new LabError({ message, cause })

/** By which what the start script left running is found. */
const machineVariable = "TOEHOLD_LAB_MACHINE"

/** Where there is no account to enter. */
const stay: PrivateAccount["enter"] = (command) => command

const blobOf = (publicKey: string): Buffer => Buffer.from(publicKey.split(" ")[1] ?? "", "base64")

const newHostKeys = Effect.map(
  Effect.all([KeyPair.generate("ed25519"), KeyPair.generate("ed25519")]),
  ([direct, proxy]): HostKeys => ({ direct: [direct], proxy: [proxy] })
)

/** A machine in the scope. */
export const make = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<Machine, LabError, Scope.Scope | Services> {
  const context = yield* Effect.context<Services>()
  const outer = yield* Scope.fork(yield* Effect.scope)
  const fs = yield* FileSystem.FileSystem
  const { join } = yield* Path.Path
  const place =
    options.place ??
    (yield* fs
      .makeTempDirectoryScoped({ prefix: "toehold-lab-vast-" })
      .pipe(Scope.provide(outer), Effect.mapError(failed("No folder for an instance"))))
  const isThere = options.hostKeys !== undefined && (yield* Effect.orElseSucceed(fs.exists(place), () => false))
  const homeDir = join(place, "root")
  const endLeftovers = Effect.suspend(() =>
    options.kind === "none" ? Effect.void : ProcessTree.end(ProcessTree.withVariable(machineVariable, place))
  )
  yield* Scope.addFinalizer(outer, endLeftovers)
  const where: Where = {
    place,
    homeDir,
    // Only accounts of their own can have a folder in the root.
    workspace: options.kind === "openssh" ? options.workspace : "home",
    onstart: options.onstart
  }
  const hostKeys = yield* Ref.make(options.hostKeys ?? (yield* newHostKeys))
  const admitted: { keys: ReadonlyArray<Buffer> } = { keys: [] }
  const logs: Array<Effect.Effect<string>> = []
  let running: Scope.Closeable | undefined

  const furnish = Effect.fnUntraced(
    function* () {
      yield* fs.remove(place, { recursive: true, force: true })
      yield* fs.makeDirectory(homeDir, { recursive: true })
      yield* fs.chmod(place, 0o755)
      yield* options.stock.put(where)
    },
    Effect.mapError(failed("Could not furnish an instance"))
  )

  const serve = Effect.fnUntraced(function* (keys: ReadonlyArray<KeyPair.KeyPair>) {
    const env = options.stock.env(where)
    if (options.kind === "openssh") {
      const { enter, log, port } = yield* OpenSshServer.make({
        hostKeys: keys,
        account: { user: "root", homeDir, loginShell: "bash", mounts: options.stock.mounts(where) },
        config: [
          `Banner ${bannerPath(place)}`,
          `SetEnv ${Object.entries(env)
            .map(([name, value]) => `${name}=${value}`)
            .join(" ")}`,
          "MaxStartups 100"
        ]
      })
      return { enter, log, port }
    }
    const { log, port } = yield* InProcessServer.make({
      hostKeys: keys,
      homeDir,
      shell: options.stock.shell,
      env,
      auth: (attempt, before) => AuthScript.standard({ keys: admitted.keys })(attempt, before),
      ssh2: { banner: options.stock.bannerText }
    })
    return { enter: stay, log, port }
  })

  const admit = (publicKeys: ReadonlyArray<string>): Effect.Effect<void, LabError> =>
    Effect.gen(function* () {
      admitted.keys = publicKeys.map(blobOf)
      yield* fs.makeDirectory(join(homeDir, ".ssh"), { recursive: true, mode: 0o700 })
      yield* fs.writeFileString(join(homeDir, ".ssh/authorized_keys"), publicKeys.map((key) => `${key}\n`).join(""), {
        mode: 0o600
      })
    }).pipe(Effect.mapError(failed("Could not write authorized_keys")))

  const runBoot = (enter: PrivateAccount["enter"]) => {
    const [command, ...args] = enter(bootCommand)
    const env = { HOME: homeDir, ...options.stock.env(where), ...options.env(), [machineVariable]: place }
    return ChildProcess.make(command, args, {
      cwd: homeDir,
      env,
      extendEnv: false,
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore"
    }).pipe(Effect.mapError(failed("The start script did not start")))
  }

  const addresses = [options.direct, options.proxy].filter((address) => address !== undefined)

  const closeDoors = Effect.forEach(addresses, (address) => address.close, { discard: true })

  const stop = Effect.suspend(() => {
    const scope = running
    running = undefined
    if (scope === undefined) return closeDoors
    return closeDoors.pipe(Effect.andThen(Scope.close(scope, Exit.void)), Effect.andThen(endLeftovers))
  })

  const start = Effect.gen(function* () {
    const scope = yield* Scope.fork(outer)
    running = scope
    if (options.kind === "none") return
    const keys = yield* Ref.get(hostKeys)
    for (const kind of ["direct", "proxy"] as const) {
      const address = options[kind]
      if (address === undefined) continue
      const server = yield* serve(keys[kind]).pipe(Scope.provide(scope))
      logs.push(server.log)
      address.lead(server.port)
      if (kind === "proxy" && options.direct !== undefined) continue
      yield* runBoot(server.enter).pipe(Scope.provide(scope))
    }
    yield* admit([])
  }).pipe(Effect.provideContext(context))

  if (isThere) yield* Effect.mapError(options.stock.connect(where), failed("Could not furnish an instance"))
  else yield* furnish()

  return {
    publicHost: FaultProxy.host,
    direct: options.direct,
    proxy: options.proxy,
    homeDir,
    hostKeys: Ref.get(hostKeys),
    log: Effect.suspend(() => Effect.map(Effect.all(logs), (all) => all.join("\n"))),
    start,
    openDoors:
      options.kind === "none"
        ? Effect.void
        : Effect.forEach(
            ["direct", "proxy"] as const,
            (kind) => options[kind]?.open(options.doors[kind] ?? "forward") ?? Effect.void,
            { discard: true }
          ),
    admit,
    stop,
    renew: Effect.gen(function* () {
      yield* furnish()
      yield* Ref.set(hostKeys, yield* newHostKeys)
    }),
    remove: Effect.ignore(stop).pipe(
      Effect.andThen(Scope.close(outer, Exit.void)),
      Effect.andThen(Effect.ignore(fs.remove(place, { recursive: true, force: true })))
    )
  }
})
