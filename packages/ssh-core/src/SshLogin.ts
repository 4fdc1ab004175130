/**
 * Everything it takes to log in to a machine that a person names: the name is resolved through `~/.ssh/config`, keys,
 * agent and known hosts are found, jump hosts are gone through.
 *
 * @since 0.1.0
 */
import { Config, Effect, FileSystem, Layer, type Path, type Redacted, type Scope } from "effect"
import type { Duration } from "effect"
import { ClientPlatform } from "./ClientPlatform.ts"
import * as HostKeys from "./HostKeys.ts"
import type * as KnownHosts from "./KnownHosts.ts"
import * as SshAgent from "./SshAgent.ts"
import * as SshClient from "./SshClient.ts"
import * as SshConfig from "./SshConfig.ts"
import type { SshConnectEvent } from "./SshConnectEvent.ts"
import * as SshError from "./SshError.ts"
import * as SshPublicKey from "./SshPublicKey.ts"
import * as SshTarget from "./SshTarget.ts"

/**
 * What is said beside the machine's name. Where the configuration says something too, this counts.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  readonly password?: Redacted.Redacted<string> | undefined
  /** Opens encrypted keys. */
  readonly passphrase?: Redacted.Redacted<string> | undefined
  /** What to do with host keys that are not known. Default: StrictHostKeyChecking of the configuration, else `accept-new`. */
  readonly hostKeyPolicy?: HostKeys.Policy | undefined
  /** Use this known_hosts file alone. */
  readonly knownHostsFile?: string | undefined
  /** Default: ConnectTimeout of the configuration, else 30 seconds; it holds for each hop. */
  readonly connectTimeout?: Duration.Input | undefined
  /** See `SshClient.Options`. */
  readonly spareSessions?: number | undefined
  /** Runs the commands of `Match exec` lines; without it such a line fails. */
  readonly allowExec?: SshConfig.ResolveOptions["allowExec"]
  /** Called for each event of connecting to the machine itself, not to its jump hosts. */
  readonly onEvent?: ((event: SshConnectEvent) => Effect.Effect<void>) | undefined
}

/**
 * What {@link resolve} finds out.
 *
 * @since 0.1.0
 * @category models
 */
export interface Resolved {
  readonly target: SshConfig.ResolvedTarget
  readonly client: Omit<SshClient.Options, "via">
  readonly hostKeys: HostKeys.Options
}

type Services = FileSystem.FileSystem | Path.Path | ClientPlatform

const targetOf = (
  machine: string | SshTarget.SshTarget
): Effect.Effect<SshTarget.SshTarget, SshError.SshError, ClientPlatform> =>
  typeof machine === "string"
    ? Effect.flatMap(ClientPlatform, (platform) => Effect.fromResult(SshTarget.parse(machine, { platform })))
    : Effect.succeed(machine)

/**
 * Finds out how to log in to a machine, without connecting to anything. Fails with `InvalidTarget` for what can't be
 * understood or honoured.
 *
 * @since 0.1.0
 * @category constructors
 */
export const resolve = Effect.fn("SshLogin.resolve")(function* (
  machine: string | SshTarget.SshTarget,
  options: Options = {}
): Effect.fn.Return<Resolved, SshError.SshError, Services> {
  const platform = yield* ClientPlatform
  const named = yield* targetOf(machine)
  const target = yield* SshConfig.resolve(named, { allowExec: options.allowExec })
  const pipes = yield* SshAgent.findPipes(platform)
  const { authentication } = target
  const allowed: Readonly<Record<SshClient.AuthMethod, boolean>> = {
    publickey: authentication.publicKey,
    password: authentication.password,
    "keyboard-interactive": authentication.keyboardInteractive
  }
  const methods = (authentication.preferred ?? ["publickey", "password", "keyboard-interactive"]).filter(
    (method): method is SshClient.AuthMethod =>
      Object.hasOwn(allowed, method) && allowed[method as SshClient.AuthMethod] // a key of it
  )
  // The keys of the command line come first, each once.
  const required = new Set(named.identityFiles.filter((file) => file.toLowerCase() !== "none")).size
  const timeout = options.connectTimeout ?? seconds(target.connectTimeoutSeconds)
  return {
    target,
    client: {
      host: target.hostName,
      port: target.port,
      user: target.user,
      identities: target.identityFiles.map((path, index) => ({
        path,
        origin: index < required ? "required" : target.identityFilesAreDefaults ? "default" : "configured"
      })),
      identitiesOnly: target.identitiesOnly,
      agentPaths: SshAgent.locate(platform, { configured: target.identityAgent, pipes }),
      passphrase: options.passphrase,
      password: options.password,
      methods,
      hostKeyAlias: target.hostKeyAlias,
      connectTimeout: timeout,
      keepalive: keepaliveOf(target),
      compression: target.compression,
      family: target.addressFamily === "inet" ? 4 : target.addressFamily === "inet6" ? 6 : undefined,
      algorithms: target.algorithms,
      requiredRsaBits: target.algorithms.requiredRsaBits,
      spareSessions: options.spareSessions,
      onEvent: options.onEvent
    },
    hostKeys: {
      policy: options.hostKeyPolicy ?? policyOf(target.strictHostKeyChecking),
      userFiles: options.knownHostsFile === undefined ? target.userKnownHostsFiles : [options.knownHostsFile],
      globalFiles: options.knownHostsFile === undefined ? target.globalKnownHostsFiles : []
    }
  }
})

const seconds = (value: number | undefined): Duration.Input | undefined =>
  value === undefined || value === 0 ? undefined : { seconds: value }

/** ssh checks nothing unless told to; we look for dead connections by default, and do as told where something is said. */
const keepaliveOf = (target: SshConfig.ResolvedTarget): SshClient.Options["keepalive"] => {
  const interval = target.serverAliveIntervalSeconds
  if (interval === undefined) return undefined
  return interval === 0 ? false : { interval: { seconds: interval }, countMax: target.serverAliveCountMax ?? 3 }
}

/** There is nobody to ask, so `ask` refuses what it would ask about. */
const policyOf = (checking: SshConfig.StrictHostKeyChecking | undefined): HostKeys.Policy | undefined => {
  switch (checking) {
    case undefined:
    case "accept-new":
      return checking
    case "no":
      return "off"
    default:
      return "strict"
  }
}

/** Hops that lead in a circle would go on for ever. */
const maxHops = 16

/**
 * The way to a machine: each jump host is reached through the one before it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Route {
  readonly hops: ReadonlyArray<Resolved>
  readonly machine: Resolved
}

/**
 * Finds out how to log in to a machine and to each jump host on the way. A password is for the machine itself, not for
 * the hops. Fails as {@link resolve} does.
 *
 * @since 0.1.0
 * @category constructors
 */
export const route = (
  machine: string | SshTarget.SshTarget,
  options: Options = {}
): Effect.Effect<Route, SshError.SshError, Services> => routeFrom(machine, options, 0)

const routeFrom: (
  machine: string | SshTarget.SshTarget,
  options: Options,
  depth: number
) => Effect.Effect<Route, SshError.SshError, Services> = Effect.fnUntraced(function* (machine, options, depth) {
  const resolved = yield* resolve(machine, options)
  return { hops: yield* hopsOf(resolved.target, options, depth), machine: resolved }
})

const hopsOf = Effect.fnUntraced(function* (
  target: SshConfig.ResolvedTarget,
  options: Options,
  depth: number
): Effect.fn.Return<ReadonlyArray<Resolved>, SshError.SshError, Services> {
  const platform = yield* ClientPlatform
  const hops: Array<Resolved> = []
  for (const hop of target.proxyJump) {
    if (depth >= maxHops) {
      return yield* SshError.make(
        new SshError.InvalidTarget({
          word: hop,
          detail: `there are more than ${maxHops} jump hosts, or they form a circle`
        })
      )
    }
    const named = yield* Effect.fromResult(SshTarget.parse(hop, { platform }))
    const hopTarget =
      target.configFile === undefined
        ? named
        : yield* Effect.fromResult(SshTarget.withOptions(named, { configFile: target.configFile }))
    const hopOptions: Options = {
      passphrase: options.passphrase,
      hostKeyPolicy: options.hostKeyPolicy,
      knownHostsFile: options.knownHostsFile,
      connectTimeout: options.connectTimeout,
      allowExec: options.allowExec,
      // Nothing runs on a hop.
      spareSessions: 0
    }
    // A hop's own jump hosts count only for the first one: the others are reached from where the chain has come to.
    if (hops.length > 0) {
      hops.push(yield* resolve(hopTarget, hopOptions))
    } else {
      const first = yield* routeFrom(hopTarget, hopOptions, depth + 1)
      hops.push(...first.hops, first.machine)
    }
  }
  return hops
})

/**
 * Logs in to a machine, through its jump hosts if it has some; the scope's end closes every connection. Fails as
 * `SshClient.make` does.
 *
 * @since 0.1.0
 * @category constructors
 */
export const connect = Effect.fn("SshLogin.connect")(function* (
  machine: string | SshTarget.SshTarget,
  options: Options = {}
): Effect.fn.Return<SshClient.SshClient["Service"], SshError.SshError, Services | Scope.Scope> {
  const way = yield* route(machine, options)
  return yield* loginTo(way.machine, yield* through(way.hops))
})

/**
 * Logs in to what {@link resolve} has found out about, through another connection or directly. Fails as `SshClient.make`
 * does.
 *
 * @since 0.1.0
 * @category constructors
 */
export const loginTo = Effect.fnUntraced(function* (
  { client, hostKeys }: Resolved,
  via?: SshClient.SshClient["Service"] | undefined
): Effect.fn.Return<SshClient.SshClient["Service"], SshError.SshError, Services | Scope.Scope> {
  const service = yield* HostKeys.make(hostKeys)
  return yield* SshClient.make({ ...client, via }).pipe(Effect.provideService(HostKeys.HostKeys, service))
})

/** The connection to the last hop, each hop reached through the one before it. */
const through = Effect.fnUntraced(function* (
  hops: ReadonlyArray<Resolved>
): Effect.fn.Return<SshClient.SshClient["Service"] | undefined, SshError.SshError, Services | Scope.Scope> {
  let via: SshClient.SshClient["Service"] | undefined
  for (const hop of hops) via = yield* loginTo(hop, via)
  return via
})

/**
 * Logs in to the jump hosts on the way to a machine, and no further: the connection to the last of them, from which the
 * machine can be dialled, or `undefined` where the way is direct. Fails as `SshClient.make` does.
 *
 * @since 0.1.0
 * @category constructors
 */
export const connectToJump = Effect.fn("SshLogin.connectToJump")(function* (
  machine: string | SshTarget.SshTarget,
  options: Options = {}
): Effect.fn.Return<SshClient.SshClient["Service"] | undefined, SshError.SshError, Services | Scope.Scope> {
  return yield* through((yield* route(machine, options)).hops)
})

/**
 * The public key that a machine shows, in SSH wire format, and the name that known_hosts has it under.
 *
 * @since 0.1.0
 * @category models
 */
export interface ShownHostKey {
  readonly host: KnownHosts.Host
  readonly key: Uint8Array
}

/**
 * Asks a machine for its host key and leaves before the login; nothing is judged and nothing is written. Jump hosts on
 * the way are logged in to and judged as always. With `keyTypes` the machine is asked for keys of these types, else for
 * those that are on file for it. Fails as `SshClient.make` does.
 *
 * @since 0.1.0
 * @category accessors
 */
export const showHostKey = Effect.fn("SshLogin.showHostKey")(function* (
  machine: string | SshTarget.SshTarget,
  options: Options & { readonly keyTypes?: ReadonlyArray<string> | undefined } = {}
): Effect.fn.Return<ShownHostKey, SshError.SshError, Services | Scope.Scope> {
  const { client, hostKeys, target } = yield* resolve(machine, options)
  const service = yield* HostKeys.make(hostKeys)
  const { keyTypes } = options
  let shown: ShownHostKey | undefined
  const looking = HostKeys.HostKeys.of({
    ...service,
    ...(keyTypes === undefined ? {} : { knownTypes: () => Effect.succeed(keyTypes) }),
    verify: ({ key, ...host }) =>
      Effect.suspend(() => {
        shown = { host, key }
        const unknown = {
          ...host,
          keyType: "",
          fingerprint: SshPublicKey.fingerprint(key),
          files: [],
          certAuthority: false
        }
        return Effect.fail(SshError.make(new SshError.HostKeyUnknown(unknown)))
      })
  })
  const via = yield* through(yield* hopsOf(target, options, 0))
  return yield* SshClient.make({ ...client, identities: [], agentPaths: [], password: undefined, via }).pipe(
    Effect.provideService(HostKeys.HostKeys, looking),
    Effect.scoped,
    Effect.matchEffect({
      onFailure: (error) => (shown === undefined ? Effect.fail(error) : Effect.succeed(shown)),
      onSuccess: () => Effect.die("the login went on without a judgement of the host key")
    })
  )
})

/**
 * A machine that a person names, as a connected client.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  machine: string | SshTarget.SshTarget,
  options?: Options
): Layer.Layer<SshClient.SshClient, SshError.SshError, Services> =>
  Layer.effect(SshClient.SshClient, connect(machine, options))

/**
 * The same with every value from the configuration, such as `{ machine: Config.String("MACHINE") }`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  config: Config.Wrap<{ readonly machine: string } & Pick<Options, "password" | "passphrase" | "knownHostsFile">>
): Layer.Layer<SshClient.SshClient, SshError.SshError | Config.ConfigError, Services> =>
  Layer.effect(
    SshClient.SshClient,
    Effect.flatMap(Config.unwrap(config), ({ machine, ...options }) => connect(machine, options))
  )
