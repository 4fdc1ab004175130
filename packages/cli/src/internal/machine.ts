/** The machine that a command is for, and the flags that say how to log in to it. */
import { Effect, FileSystem, type Path, type PlatformError, Redacted, type Scope, Stream } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import type { ClientPlatform } from "@toehold/ssh-core/ClientPlatform"
import * as Machine from "@toehold/machines/Machine"
import * as VastName from "@toehold/machines/VastName"
import type { VastClient } from "@toehold/vast-api/VastClient"
import type { VastError } from "@toehold/vast-api/VastError"
import type { Policy } from "@toehold/ssh-core/HostKeys"
import * as OpenSsh from "@toehold/ssh-core/OpenSsh"
import type { SshClient } from "@toehold/ssh-core/SshClient"
import * as SshError from "@toehold/ssh-core/SshError"
import * as SshLogin from "@toehold/ssh-core/SshLogin"
import * as SshPool from "@toehold/ssh-core/SshPool"
import type * as SshTarget from "@toehold/ssh-core/SshTarget"
import type { Invocation } from "./commandSpec.ts"
import { secretFromEnvironment } from "./invocation.ts"
import type { UsageError } from "../UsageError.ts"

/** The one target that the machine's name and the flags of ssh beside it stand for. */
export const readTarget = Effect.fnUntraced(function* (
  invocation: Invocation,
  machine: string
): Effect.fn.Return<SshTarget.SshTarget, SshError.SshError, ClientPlatform> {
  if (machine === "local:") {
    return yield* invalid(machine, "this command is about the way to another machine", "Give one: root@host:port.")
  }
  if (VastName.idOf(machine) !== undefined) {
    return yield* invalid(
      machine,
      "this command does not take an instance of Vast.ai",
      `For its address see: toehold vast ssh-url ${machine}`
    )
  }
  const names = yield* Effect.fromResult(Machine.names(machine))
  if (names.length > 1) {
    return yield* invalid(machine, "this command takes one machine at a time", "Run it once for each machine.")
  }
  return yield* Machine.target(machine, targetFlags(invocation))
})

const invalid = (word: string, detail: string, hint: string) =>
  SshError.make(new SshError.InvalidTarget({ word, detail, hint }))

export const targetFlags = (invocation: Invocation): SshTarget.Flags => ({
  identityFiles: invocation.all("identity"),
  port: invocation.one("port"),
  user: invocation.one("user"),
  proxyJump: invocation.one("jump"),
  configFile: invocation.one("config"),
  options: invocation.all("option")
})

/** How to log in to the machine, from the flags. */
export const machineOptions = Effect.fnUntraced(function* (invocation: Invocation) {
  const options: Machine.Options = {
    ...(yield* loginOptions(invocation)),
    flags: targetFlags(invocation),
    transport: transportOf(invocation),
    vast: yield* vastClient
  }
  return options
})

/** The client for Vast.ai, made when it is first asked for, and one for the whole command: it keeps calls apart. */
export const vastClient: Effect.Effect<
  Effect.Effect<VastClient["Service"], VastError>,
  never,
  ClientPlatform | FileSystem.FileSystem
> = Effect.flatMap(Effect.context<ClientPlatform | FileSystem.FileSystem>(), (context) =>
  Effect.promise(() => import("@toehold/machines/VastAccount")).pipe(
    Effect.flatMap(({ client }) => client),
    Effect.provideContext(context),
    Effect.cached
  )
)

/** Who speaks SSH; commands that look at the way there step by step have no choice of it. */
const transportOf = (invocation: Invocation): Machine.Transport => {
  const isChoice = invocation.command.flags?.some(({ name }) => name === "transport") === true
  return isChoice && invocation.one("transport") === "openssh" ? "openssh" : "ssh2"
}

/** A connection of the command's own, by the transport that the flags say. */
export const connect = (
  invocation: Invocation,
  target: SshTarget.SshTarget,
  login: SshLogin.Options
): Effect.Effect<
  SshClient["Service"],
  SshError.SshError,
  Scope.Scope | FileSystem.FileSystem | Path.Path | ClientPlatform | ChildProcessSpawner.ChildProcessSpawner
> => (transportOf(invocation) === "openssh" ? OpenSsh.connect(target, login) : SshLogin.connect(target, login))

/** Logs in to the machine once more each time, by the first of its addresses that lets us in. */
export type Reach = (
  login: SshLogin.Options
) => Effect.Effect<
  SshClient["Service"],
  Machine.OpenError,
  Scope.Scope | FileSystem.FileSystem | Path.Path | ClientPlatform | ChildProcessSpawner.ChildProcessSpawner
>

/** How the machine that a name stands for is logged in to; what is wrong with the name or the flags fails here. */
export const readReach = Effect.fnUntraced(function* (
  invocation: Invocation,
  machine: string
): Effect.fn.Return<Reach, SshError.SshError, ClientPlatform | FileSystem.FileSystem> {
  const id = VastName.idOf(machine)
  if (id === undefined) {
    const target = yield* readTarget(invocation, machine)
    return (login) => connect(invocation, target, login)
  }
  const vast = yield* vastClient
  return Effect.fnUntraced(function* (login) {
    const { VastMachine, located } = yield* locateInstance(invocation, id, vast)
    const entered = yield* VastMachine.enter(located, login, (route, options) =>
      connect(invocation, route.target, options)
    )
    return entered.value
  })
})

/** Where an instance is now, and the module that knows what to do with it. */
export const locateInstance = Effect.fnUntraced(function* (
  invocation: Invocation,
  id: number,
  vast: Effect.Effect<VastClient["Service"], VastError>
) {
  const [VastMachine, { VastClient }] = yield* Effect.promise(() =>
    Promise.all([import("@toehold/machines/VastMachine"), import("@toehold/vast-api/VastClient")])
  )
  const client = yield* vast
  const located = yield* VastMachine.locate(id, targetFlags(invocation)).pipe(Effect.provideService(VastClient, client))
  return { VastMachine, located }
})

/** The machine's processes and files, open until the scope closes. */
export const openMachine = Effect.fnUntraced(function* (
  invocation: Invocation,
  machine: string,
  more: Pick<SshLogin.Options, "spareSessions"> = {}
) {
  const options = { ...(yield* machineOptions(invocation)), ...more }
  const pool = yield* SshPool.make()
  return yield* Machine.open(machine, options).pipe(Effect.provideService(SshPool.SshPool, pool))
})

/** Longer than any password, shorter than anything that is given by mistake. */
const maxPasswordBytes = 4096

/** `PlatformError` for a local file, as a reason. */
export const fileFailure = (path: string, error: PlatformError.PlatformError): SshError.SshError => {
  const detail = error.reason.description ?? error.reason._tag
  switch (error.reason._tag) {
    case "NotFound":
      return SshError.make(new SshError.NotFound({ path }))
    case "PermissionDenied":
      return SshError.make(new SshError.PermissionDenied({ path, detail }))
    default:
      return SshError.make(new SshError.FileFailed({ path, detail }))
  }
}

/** A local file of at most so many bytes, whatever kind of file it is: a pipe of the shell's is one too. */
export const readBounded = Effect.fnUntraced(function* (
  path: string,
  maxBytes: number
): Effect.fn.Return<Uint8Array, SshError.SshError, FileSystem.FileSystem> {
  const fs = yield* FileSystem.FileSystem
  const chunks = yield* Stream.runCollect(fs.stream(path, { bytesToRead: maxBytes + 1 })).pipe(
    Effect.mapError((error) => fileFailure(path, error))
  )
  const bytes = Buffer.concat(chunks)
  if (bytes.length <= maxBytes) return bytes
  return yield* SshError.make(new SshError.FileFailed({ path, detail: `it is larger than ${maxBytes} bytes` }))
})

/** The first line of a file. */
export const secretFromFile = Effect.fnUntraced(function* (path: string) {
  const text = new TextDecoder().decode(yield* readBounded(path, maxPasswordBytes))
  const line = text.split(/\r?\n/, 1)[0] ?? ""
  if (line !== "") return Redacted.make(line)
  return yield* SshError.make(new SshError.FileFailed({ path, detail: "its first line is empty" }))
})

const isPolicy = (text: string | undefined): text is Policy =>
  text === "strict" || text === "accept-new" || text === "off"

/** How to log in, from the flags. Secrets are read here, once, and stay redacted. */
export const loginOptions = Effect.fnUntraced(function* (
  invocation: Invocation
): Effect.fn.Return<SshLogin.Options, SshError.SshError | UsageError, ClientPlatform | FileSystem.FileSystem> {
  const passwordEnv = invocation.one("password-env")
  const passwordFile = invocation.one("password-file")
  if (passwordEnv !== undefined && passwordFile !== undefined) {
    return yield* invocation.usage("--password-env and --password-file both give the password.")
  }
  const passphraseEnv = invocation.one("passphrase-env")
  if (transportOf(invocation) === "openssh" && passphraseEnv !== undefined) {
    return yield* invocation.usage(
      "The system's ssh is given no passphrase.",
      "Add the key to an agent (ssh-add), or leave --transport openssh out."
    )
  }
  const policy = invocation.one("host-key")
  return {
    password:
      passwordEnv !== undefined
        ? yield* secretFromEnvironment("password-env", passwordEnv)
        : passwordFile !== undefined
          ? yield* secretFromFile(passwordFile)
          : undefined,
    passphrase: passphraseEnv === undefined ? undefined : yield* secretFromEnvironment("passphrase-env", passphraseEnv),
    hostKeyPolicy: isPolicy(policy) ? policy : undefined,
    knownHostsFile: invocation.one("known-hosts"),
    connectTimeout: yield* invocation.duration("connect-timeout"),
    // One command, one session: opening more ahead would only cost.
    spareSessions: 0
  }
})
