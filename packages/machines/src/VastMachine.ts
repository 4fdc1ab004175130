/**
 * A rented instance by its number, `vast:ID`: the ways to its SSH server, each tried on its own, and known by the
 * instance rather than by an address that may be somebody else's tomorrow.
 *
 * @since 0.1.0
 */
import { Duration, Effect, FileSystem, Result } from "effect"
import { ClientPlatform, sshDir } from "@toehold/ssh-core/ClientPlatform"
import type * as SshError from "@toehold/ssh-core/SshError"
import type * as SshLogin from "@toehold/ssh-core/SshLogin"
import * as SshTarget from "@toehold/ssh-core/SshTarget"
import * as Instance from "@toehold/vast-api/Instance"
import { VastClient } from "@toehold/vast-api/VastClient"
import type { VastError } from "@toehold/vast-api/VastError"
import { InstanceMemory } from "./InstanceMemory.ts"
import { hostKeyAlias, nameOf } from "./VastName.ts"
import * as MachineError from "./MachineError.ts"

/**
 * One way to an instance's SSH server.
 *
 * @since 0.1.0
 * @category models
 */
export interface Route {
  readonly address: Instance.SshAddress
  /** The name that known_hosts has its key under. */
  readonly hostKeyAlias: string
  /** Ready to log in to: the address, `root` unless a flag says otherwise, and the name that its host key is known by. */
  readonly target: SshTarget.SshTarget
}

/**
 * An instance with the ways to its SSH server, in the order in which to try them.
 *
 * @since 0.1.0
 * @category models
 */
export interface Located {
  readonly id: number
  readonly instance: Instance.Instance
  readonly routes: ReadonlyArray<Route>
}

/**
 * The way to one of an instance's addresses, with the flags of ssh applied. Fails with `InvalidTarget` for flags that don't
 * go together with an instance, such as another port.
 *
 * @since 0.1.0
 * @category constructors
 */
export const route = (
  id: number,
  address: Instance.SshAddress,
  flags: SshTarget.Flags = {},
  options?: SshTarget.ParseOptions
): Result.Result<Route, SshError.SshError> => {
  const alias = hostKeyAlias(id, address.kind)
  const bare = new SshTarget.SshTarget({
    host: address.host,
    port: address.port,
    ...(flags.user === undefined ? { user: "root" } : {}),
    identityFiles: [],
    forwards: [],
    noCommand: false,
    options: [{ keyword: "hostkeyalias", value: alias }]
  })
  return Result.map(SshTarget.withOptions(bare, flags, options), (target) => ({ address, hostKeyAlias: alias, target }))
}

/**
 * The ways to an instance's SSH server, direct address first. Fails as {@link route} does.
 *
 * @since 0.1.0
 * @category constructors
 */
export const routes = (
  instance: Instance.Instance,
  flags?: SshTarget.Flags,
  options?: SshTarget.ParseOptions
): Result.Result<ReadonlyArray<Route>, SshError.SshError> =>
  Result.all(Instance.sshAddresses(instance).map((address) => route(instance.id, address, flags, options)))

const usualKeys = ["id_vast", "id_ed25519", "id_ecdsa", "id_rsa"]

/**
 * The way with the key `~/.ssh/id_vast` in front of those that are tried anyway, where it is there and the flags name no
 * other key.
 *
 * @since 0.1.0
 * @category combinators
 */
export const withUsualKeys = Effect.fnUntraced(function* (
  route: Route,
  { identityFiles = [], options = [] }: SshTarget.Flags = {}
): Effect.fn.Return<Route, never, FileSystem.FileSystem | ClientPlatform> {
  if (identityFiles.length > 0 || options.some((option) => /^\s*identityfile\b/i.test(option))) return route
  const fs = yield* FileSystem.FileSystem
  const platform = yield* ClientPlatform
  const separator = platform.os === "win32" ? "\\" : "/"
  const found = yield* Effect.filter(usualKeys, (name) =>
    Effect.orElseSucceed(fs.exists(`${sshDir(platform)}${separator}${name}`), () => false)
  )
  if (found[0] !== usualKeys[0]) return route
  // As an option, a key that can't be used is passed over like any that nobody has asked for.
  const keys = found.map((name) => ({ keyword: "identityfile", value: `~/.ssh/${name}` }))
  const { options: others, ...rest } = route.target
  return { ...route, target: new SshTarget.SshTarget({ ...rest, options: [...others, ...keys] }) }
})

/** States in which nobody answers, and whether the instance leaves them by itself. */
const silent: Readonly<Record<string, boolean>> = {
  created: true,
  loading: true,
  rebooting: true,
  exited: false,
  stopped: false,
  frozen: false,
  offline: false
}

/**
 * Why there is nothing to log in to, by what the service says of the instance; `undefined` where it is worth a try.
 *
 * @since 0.1.0
 * @category accessors
 */
export const notRunning = (instance: Instance.Instance): MachineError.MachineError | undefined => {
  const status = instance.actual_status ?? ""
  const isStarting = status === "" ? true : silent[status]
  if (isStarting === undefined) return undefined
  return MachineError.make(
    new MachineError.NotRunning({
      instance: instance.id,
      status,
      isStarting: isStarting && instance.intended_status !== "stopped",
      detail: (instance.status_msg ?? "").slice(0, 600)
    })
  )
}

/**
 * Asks the service where an instance is now, together with others who ask at the same time. Fails as `VastClient` does, with `NotRunning` for an instance that has
 * nobody to log in to, and with `InvalidTarget` as {@link routes} does. Keys are as {@link withUsualKeys} says.
 *
 * @since 0.1.0
 * @category constructors
 */
export const locate = Effect.fn("VastMachine.locate")(function* (
  id: number,
  flags: SshTarget.Flags = {}
): Effect.fn.Return<
  Located,
  VastError | MachineError.MachineError | SshError.SshError,
  VastClient | FileSystem.FileSystem | ClientPlatform
> {
  const client = yield* VastClient
  const platform = yield* ClientPlatform
  const instance = yield* client.instances.look(id)
  const refusal = notRunning(instance)
  if (refusal !== undefined) return yield* refusal
  const bare = yield* Effect.fromResult(routes(instance, flags, { platform }))
  return { id, instance, routes: yield* Effect.forEach(bare, (route) => withUsualKeys(route, flags)) }
})

/**
 * What came of trying the ways: the first that let us in, and what was wrong with those before it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Entered<A> {
  readonly route: Route
  readonly value: A
  readonly failed: ReadonlyArray<MachineError.Attempt>
}

/**
 * Whether a failure to log in is about this side (a key that can't be read, a flag), so that neither another address nor
 * waiting changes it.
 *
 * @since 0.1.0
 * @category predicates
 */
export const isOwnFault = ({ reason }: SshError.SshError): boolean => {
  switch (reason._tag) {
    case "InvalidTarget":
    case "InvalidArgument":
    case "KeyUnreadable":
    case "KeyPassphraseMissing":
    case "KeyPassphraseWrong":
    case "KeyFormatUnsupported":
    case "KeyIsPublic":
    case "KeyPermissions":
    case "ProgramMissing":
    case "NotFound":
    case "PermissionDenied":
    case "FileFailed":
    case "FileLocked":
      return true
    default:
      return false
  }
}

/**
 * Whether the host showed another key than the one on file for the instance: it was recycled, or somebody else answers.
 *
 * @since 0.1.0
 * @category predicates
 */
export const isAlarm = ({ reason }: SshError.SshError): boolean =>
  reason._tag === "HostKeyChanged" || reason._tag === "HostKeyRevoked"

/**
 * An attempt that failed, as `RoutesFailed` has it.
 *
 * @since 0.1.0
 * @category conversions
 */
export const attemptOf = (
  { address: { host, kind, port }, hostKeyAlias, target }: Route,
  error: SshError.SshError
): MachineError.Attempt => ({
  route: kind,
  host,
  port,
  command: `ssh -p ${port} -o HostKeyAlias=${hostKeyAlias} ${target.user ?? "root"}@${host}`,
  error
})

/**
 * The failure of all ways, which says of a host key that has changed whether the instance was made anew.
 *
 * @since 0.1.0
 * @category constructors
 */
export const routesFailed = Effect.fnUntraced(function* (
  instance: Instance.Instance,
  attempts: ReadonlyArray<MachineError.Attempt>
): Effect.fn.Return<MachineError.MachineError> {
  const machine = nameOf(instance.id)
  if (!attempts.some(({ error }) => isAlarm(error))) {
    return MachineError.make(new MachineError.RoutesFailed({ machine, attempts }))
  }
  const before = yield* (yield* InstanceMemory).recall(instance.id)
  const wasMadeAnew = before !== undefined && before !== Instance.markOf(instance)
  return MachineError.make(new MachineError.RoutesFailed({ machine, attempts, wasMadeAnew }))
})

/** A filtered port answers nothing at all, and there is another way to try. */
const otherwiseTimeout = Duration.seconds(10)

/**
 * Tries the ways one after the other until one lets us in, and fails with `RoutesFailed` when none does: every attempt
 * with its own reason. What is wrong on this side (a key that can't be read) fails at once, as it is. The attempt is given
 * the options to log in with: each way but the last has 10 seconds to connect unless the options say otherwise, and after
 * a host key that has changed the ways left are taken only where their key is on file.
 *
 * **Gotchas**
 *
 * The attempt must do no more than log in: it runs once for each way.
 *
 * @since 0.1.0
 * @category running
 */
export const enter = Effect.fn("VastMachine.enter")(function* <A, R>(
  located: Located,
  login: SshLogin.Options,
  attempt: (route: Route, login: SshLogin.Options) => Effect.Effect<A, SshError.SshError, R>
): Effect.fn.Return<Entered<A>, MachineError.MachineError | SshError.SshError, R> {
  const failed: Array<MachineError.Attempt> = []
  for (const [index, route] of located.routes.entries()) {
    const isLast = index === located.routes.length - 1
    const result = yield* Effect.result(
      attempt(route, {
        ...login,
        connectTimeout: login.connectTimeout ?? (isLast ? undefined : otherwiseTimeout),
        hostKeyPolicy: failed.some(({ error }) => isAlarm(error)) ? "strict" : login.hostKeyPolicy
      })
    )
    if (Result.isSuccess(result)) {
      yield* (yield* InstanceMemory).keep(located.id, Instance.markOf(located.instance))
      return { route, value: result.success, failed }
    }
    if (isOwnFault(result.failure)) return yield* result.failure
    yield* Effect.logInfo("one way to the instance failed", {
      instance: located.id,
      route: route.address.kind,
      reason: result.failure.reason._tag
    })
    failed.push(attemptOf(route, result.failure))
  }
  return yield* yield* routesFailed(located.instance, failed)
})
