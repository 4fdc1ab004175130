/**
 * Turns the name of a machine into everything that is needed to connect: reads `~/.ssh/config` and the system's file as
 * OpenSSH does (ssh_config(5)).
 *
 * @since 0.1.0
 */
import { Effect, type FileSystem, Path, Result } from "effect"
import { ClientPlatform, type Platform } from "./ClientPlatform.ts"
import { invalidTarget } from "./internal/invalidTarget.ts"
import { expandTilde, expandTokens, type Tokens } from "./internal/sshConfig/expand.ts"
import { normalizeHost } from "./internal/sshConfig/hostAddress.ts"
import { addForward, findRule, maxForwards, maxIdentityFiles } from "./internal/sshConfig/keyword.ts"
import { readLine } from "./internal/sshConfig/line.ts"
import { tokensOf } from "./internal/sshConfig/match.ts"
import { type Pass, readConfigFiles, systemFile, userFile } from "./internal/sshConfig/readFiles.ts"
import {
  type AlgorithmList as AlgorithmList_,
  emptySettings,
  type Settings,
  type StrictHostKeyChecking as StrictHostKeyChecking_
} from "./internal/sshConfig/settings.ts"
import { hostFault, parseAddress, userFault } from "./internal/sshTarget/address.ts"
import * as PortForward from "./PortForward.ts"
import type { SshError } from "./SshError.ts"
import type { SshTarget } from "./SshTarget.ts"

/**
 * `StrictHostKeyChecking`, with `true` as `yes` and `false` and `off` as `no`.
 *
 * @since 0.1.0
 * @category models
 */
export type StrictHostKeyChecking = StrictHostKeyChecking_

/**
 * A list of algorithm names, and whether it replaces the default list, is put behind or before it, or takes names out of
 * it (`+`, `^` and `-` of ssh_config(5)).
 *
 * @since 0.1.0
 * @category models
 */
export type AlgorithmList = AlgorithmList_

/**
 * A machine with everything that its name, the flags and the configuration files say. `undefined` means that nobody
 * said anything, so that the caller's own default applies.
 *
 * @since 0.1.0
 * @category models
 */
export interface ResolvedTarget {
  /** As the machine was named: the alias. */
  readonly originalHost: string
  /** What to connect to: a name in lower case, or an address. */
  readonly hostName: string
  readonly port: number
  readonly user: string
  /** Absolute paths, in the order in which ssh tries them. They need not exist. */
  readonly identityFiles: ReadonlyArray<string>
  /** `true` when nobody named a key and {@link identityFiles} are those that ssh looks for by itself. */
  readonly identityFilesAreDefaults: boolean
  /** `true`: of the agent's keys, use only those that {@link identityFiles} name. */
  readonly identitiesOnly: boolean
  /** Socket (or pipe) of the agent, `none` for no agent at all. */
  readonly identityAgent: string | undefined
  /** Hops on the way, nearest first, each to be read by `SshTarget.parse`; empty for a direct connection. */
  readonly proxyJump: ReadonlyArray<string>
  readonly connectTimeoutSeconds: number | undefined
  /** `0` turns the checks off. */
  readonly serverAliveIntervalSeconds: number | undefined
  readonly serverAliveCountMax: number | undefined
  readonly strictHostKeyChecking: StrictHostKeyChecking | undefined
  /** Absolute paths; ssh's own two where none were named, empty for `none`. */
  readonly userKnownHostsFiles: ReadonlyArray<string>
  readonly globalKnownHostsFiles: ReadonlyArray<string>
  /** In lower case: the name that known_hosts lists the host under. */
  readonly hostKeyAlias: string | undefined
  readonly compression: boolean
  readonly forwards: ReadonlyArray<PortForward.PortForward>
  /** `-N`: the connection is there for its forwardings. */
  readonly noCommand: boolean
  readonly addressFamily: "any" | "inet" | "inet6"
  readonly requestTty: "no" | "yes" | "force" | "auto" | undefined
  /** Which ways to authenticate are allowed. */
  readonly authentication: {
    readonly publicKey: boolean
    readonly password: boolean
    readonly keyboardInteractive: boolean
    /** `PreferredAuthentications`: the only methods allowed, best first. */
    readonly preferred: ReadonlyArray<string> | undefined
  }
  readonly algorithms: {
    readonly ciphers: AlgorithmList | undefined
    readonly macs: AlgorithmList | undefined
    readonly keyExchange: AlgorithmList | undefined
    readonly hostKey: AlgorithmList | undefined
    /** `PubkeyAcceptedAlgorithms`: what the user's own keys may sign with. */
    readonly publicKey: AlgorithmList | undefined
    /** `RequiredRSASize`: the fewest bits of an RSA key, the host's or the user's. */
    readonly requiredRsaBits: number | undefined
  }
  /** `-F`, as it was given: hops are to be resolved with the same file. */
  readonly configFile: string | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface ResolveOptions {
  /**
   * Runs the command of a `Match exec` line in a shell and says whether it exited with 0. Without it such a line fails,
   * because reading a configuration should not run anything.
   */
  readonly allowExec?: ((command: string) => Effect.Effect<boolean, SshError>) | undefined
}

/** What the name itself sets, before any file is read. */
const settingsOf = (target: SshTarget, platform: Platform): Result.Result<Settings, SshError> =>
  Result.gen(function* () {
    const settings = emptySettings()
    settings.port = target.port
    settings.user = target.user
    settings.identityFiles.push(...target.identityFiles)
    if (target.proxyJump !== undefined) {
      settings.proxyJump = target.proxyJump
      settings.proxyDecided = true
    }
    for (const forward of target.forwards) addForward(settings, forward)
    if (target.noCommand) {
      settings.sessionType = "none"
      settings.requestTty = "no"
    }
    for (const { keyword, value } of target.options) {
      const refuse = (detail: string) => Result.fail(invalidTarget({ word: keyword, detail }))
      const read = readLine(`${keyword}=${value}`, undefined)
      if (Result.isFailure(read)) return yield* refuse(read.failure.detail)
      if (read.success === undefined) continue
      // A keyword without a rule was let through by IgnoreUnknown.
      const change = findRule(read.success.keyword, platform.os)?.(read.success)
      if (change === undefined) continue
      if (Result.isFailure(change)) return yield* refuse(change.failure.detail)
      change.success(settings)
    }
    return settings
  })

interface Expansion {
  readonly platform: Platform
  readonly path: Path.Path
  readonly tokens: Tokens
}

const named = (keyword: string, result: Result.Result<string, string>): Result.Result<string, SshError> =>
  Result.mapError(result, (detail) => invalidTarget({ word: keyword, detail }))

/** A file name as ssh expands it, absolute. */
const expandPath = (keyword: string, text: string, { path, platform, tokens }: Expansion, withTokens = true) =>
  Result.gen(function* () {
    const tilde = yield* named(keyword, expandTilde(text, platform))
    const expanded = withTokens ? yield* named(keyword, expandTokens(tilde, tokens, platform.env)) : tilde
    if (platform.os === "win32") return path.resolve(expanded)
    return path.isAbsolute(expanded) ? expanded : path.resolve(expanded)
  })

const isNone = (text: string): boolean => text.toLowerCase() === "none"

// In ssh's order. XMSS and DSA keys, which newer releases no longer look for, are left out.
const defaultIdentities = ["id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk"]

const identityFilesOf = (settings: Settings, expansion: Expansion) =>
  settings.identityFiles.length === 0
    ? Result.succeed(defaultIdentities.map((name) => userFile(expansion.platform, name)))
    : Result.map(
        Result.all(
          settings.identityFiles
            .filter((file) => !isNone(file))
            .map((file) => expandPath("IdentityFile", file, expansion))
        ),
        (files) => [...new Set(files)]
      )

const identityAgentOf = (
  text: string | undefined,
  expansion: Expansion
): Result.Result<string | undefined, SshError> => {
  if (text === undefined) return Result.succeed(undefined)
  if (isNone(text)) return Result.succeed("none")
  const { env } = expansion.platform
  if (text === "SSH_AUTH_SOCK") return Result.succeed(env[text])
  const name = /^\$([A-Za-z_][A-Za-z0-9_]*)$/.exec(text)?.[1]
  // A variable that is named and not set means no agent, unlike no IdentityAgent at all.
  if (name !== undefined) return Result.succeed(env[name] ?? "none")
  if (text.startsWith("$") && !text.startsWith("${")) {
    return Result.fail(invalidTarget({ word: "IdentityAgent", detail: `"${text}" names no environment variable` }))
  }
  return expandPath("IdentityAgent", text, expansion)
}

const knownHostsOf = (settings: Settings, expansion: Expansion) => {
  const { platform } = expansion
  const user = settings.userKnownHostsFiles ?? ["known_hosts", "known_hosts2"].map((name) => userFile(platform, name))
  const system =
    settings.globalKnownHostsFiles ?? ["ssh_known_hosts", "ssh_known_hosts2"].map((name) => systemFile(platform, name))
  return Result.all({
    user: Result.all(user.map((file) => expandPath("UserKnownHostsFile", file, expansion))),
    // ssh expands no tokens in the names of the system's files.
    system: Result.all(system.map((file) => expandPath("GlobalKnownHostsFile", file, expansion, false)))
  })
}

const expandEndpoint = (end: PortForward.Endpoint, { platform, tokens }: Expansion) =>
  "path" in end
    ? Result.map(named("forwarding", expandTokens(end.path, tokens, platform.env)), (path) => ({ path }))
    : Result.succeed(end)

const expandForward = ({ connect, kind, listen }: PortForward.PortForward, expansion: Expansion) =>
  Result.gen(function* () {
    const expanded = yield* expandEndpoint(listen, expansion)
    if (connect === undefined) return new PortForward.PortForward({ kind, listen: expanded })
    return new PortForward.PortForward({
      kind,
      listen: expanded,
      connect: yield* expandEndpoint(connect, expansion)
    })
  })

/** A user from a file has tokens, which newer releases of ssh expand; `%r`, the user itself, is none of them. */
const userOf = (target: SshTarget, settings: Settings, tokens: Tokens, platform: Platform) =>
  Result.gen(function* () {
    const text = settings.user
    if (text === undefined) return platform.userName
    if (target.user !== undefined) return text
    const { C: _hash, r: _user, ...known } = tokens
    const user = yield* named("User", expandTokens(text, known, platform.env))
    const fault = user === text ? undefined : userFault(user)
    return fault === undefined ? user : yield* Result.fail(invalidTarget({ word: "User", detail: fault }))
  })

/** ssh refuses a machine that is its own jump host, as a careless `Host *` makes it. */
const checkJump = (hops: ReadonlyArray<string>, host: string, port: number, user: string) =>
  Result.gen(function* () {
    const last = hops.at(-1)
    if (last === undefined) return
    const hop = yield* parseAddress(last)
    if (hop.host === host && (hop.port ?? 22) === port && (hop.user ?? user) === user) {
      const hint = "Exclude it where ProxyJump is set: Host * !NAME."
      return yield* Result.fail(invalidTarget({ word: last, detail: "the machine would be its own jump host", hint }))
    }
  })

const finish = (
  target: SshTarget,
  settings: Settings,
  hostName: string,
  platform: Platform,
  path: Path.Path
): Result.Result<ResolvedTarget, SshError> =>
  Result.gen(function* () {
    for (const refusal of settings.refusals.values()) {
      if (refusal !== undefined) return yield* Result.fail(invalidTarget({ ...refusal, word: refusal.keyword }))
    }
    if (settings.identityFiles.length > maxIdentityFiles) {
      return yield* Result.fail(invalidTarget({ word: "IdentityFile", detail: `more than ${maxIdentityFiles} keys` }))
    }
    if (settings.forwards.length > maxForwards) {
      return yield* Result.fail(invalidTarget({ word: "forwarding", detail: `more than ${maxForwards} forwardings` }))
    }
    const context = { settings, platform, originalHost: target.host }
    const keyAlias = settings.hostKeyAlias?.toLowerCase()
    const user = yield* userOf(target, settings, tokensOf(context, hostName, keyAlias ?? target.host), platform)
    settings.user = user
    const tokens = tokensOf(context, hostName, keyAlias ?? target.host)
    const expansion = { platform, path, tokens }
    const port = settings.port ?? 22
    const proxyJump = settings.proxyJump ?? []
    yield* checkJump(proxyJump, hostName, port, user)
    const forwards = settings.clearAllForwardings === true ? [] : settings.forwards
    const knownHosts = yield* knownHostsOf(settings, expansion)
    return {
      originalHost: target.host,
      hostName,
      port,
      user,
      identityFiles: yield* identityFilesOf(settings, expansion),
      identityFilesAreDefaults: settings.identityFiles.length === 0,
      identitiesOnly: settings.identitiesOnly ?? false,
      identityAgent: yield* identityAgentOf(settings.identityAgent, expansion),
      proxyJump,
      // ssh takes 0 for no limit.
      connectTimeoutSeconds: settings.connectTimeout === 0 ? undefined : settings.connectTimeout,
      serverAliveIntervalSeconds: settings.serverAliveInterval,
      serverAliveCountMax: settings.serverAliveCountMax,
      strictHostKeyChecking: settings.strictHostKeyChecking,
      userKnownHostsFiles: knownHosts.user,
      globalKnownHostsFiles: knownHosts.system,
      hostKeyAlias: keyAlias,
      compression: settings.compression ?? false,
      forwards: yield* Result.all(forwards.map((forward) => expandForward(forward, expansion))),
      noCommand: settings.sessionType === "none",
      addressFamily: settings.addressFamily ?? "any",
      requestTty: settings.requestTty,
      authentication: {
        publicKey: settings.publicKeyAuthentication ?? true,
        password: settings.passwordAuthentication ?? true,
        keyboardInteractive: settings.keyboardInteractiveAuthentication ?? true,
        preferred: settings.preferredAuthentications?.split(",")
      },
      algorithms: {
        ciphers: settings.ciphers,
        macs: settings.macs,
        keyExchange: settings.keyExchange,
        hostKey: settings.hostKeyAlgorithms,
        publicKey: settings.publicKeyAlgorithms,
        requiredRsaBits: settings.requiredRsaBits
      },
      configFile: target.configFile
    }
  })

/**
 * Resolves the name of a machine: the name and its flags first, then the file of `-F` or else the user's and the
 * system's, where the first value of a keyword counts and keys and forwardings accumulate. Fails with `InvalidTarget`
 * (with the keyword, and `path:line` for a file) for what ssh would not understand and for what applies to this host
 * and can't be honoured, with `NotFound` when the file of `-F` is missing, and with `PermissionDenied`.
 *
 * **Gotchas**
 *
 * The jump hosts are names themselves: each is to be parsed and resolved in turn, with the same `-F`. Host names are not
 * canonicalized.
 *
 * @since 0.1.0
 * @category constructors
 */
export const resolve = Effect.fn("SshConfig.resolve")(function* (
  target: SshTarget,
  options?: ResolveOptions
): Effect.fn.Return<ResolvedTarget, SshError, FileSystem.FileSystem | Path.Path | ClientPlatform> {
  const platform = yield* ClientPlatform
  const path = yield* Path.Path
  const settings = yield* Effect.fromResult(settingsOf(target, platform))
  const pass: Pass = {
    settings,
    platform,
    originalHost: target.host,
    host: target.host,
    isFinalPass: false,
    exec: options?.allowExec,
    wantsFinalPass: false,
    read: { files: 0, patterns: 0 }
  }
  yield* readConfigFiles(pass, target.configFile)
  const written =
    settings.hostName === undefined
      ? target.host
      : yield* Effect.fromResult(named("HostName", expandTokens(settings.hostName, { h: target.host })))
  const hostName = normalizeHost(written, settings.addressFamily ?? "any")
  const fault = hostFault(hostName)
  if (fault !== undefined) return yield* invalidTarget({ word: written, detail: fault })
  if (pass.wantsFinalPass) {
    settings.hostName = hostName
    yield* readConfigFiles({ ...pass, host: hostName, isFinalPass: true }, target.configFile)
  }
  return yield* Effect.fromResult(finish(target, settings, hostName, platform, path))
})
