/**
 * Which host keys to trust: OpenSSH's known_hosts files behind three policies, with typed errors for a host that is
 * unknown, has changed, or shows a revoked key.
 *
 * @since 0.1.0
 */
import { Context, Effect, type FileSystem, Layer, type Path } from "effect"
import * as Crypto from "node:crypto"
import * as ClientPlatform from "./ClientPlatform.ts"
import { changed, invalid, isPlain, isShown, judge, revoked, show, type Shown } from "./internal/hostKeyVerdict.ts"
import * as KnownHostsFile from "./internal/knownHostsFile.ts"
import * as KnownHosts from "./KnownHosts.ts"
import * as SshError from "./SshError.ts"

/**
 * What to do with a host key that is not on file. `strict` refuses it, `accept-new` adds it, and both refuse a key that
 * differs from the one on file; `off` accepts any key without writing. Each refuses a revoked key.
 *
 * @since 0.1.0
 * @category models
 */
export type Policy = "strict" | "accept-new" | "off"

/**
 * Options of the service.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** `accept-new` unless given. */
  readonly policy?: Policy | undefined
  /**
   * The user's files; new keys go into the first. `~/.ssh/known_hosts` and `~/.ssh/known_hosts2` unless given. With none
   * at all an unknown host is refused, as OpenSSH does.
   */
  readonly userFiles?: ReadonlyArray<string> | undefined
  /** Files that are only read: `ssh_known_hosts` and `ssh_known_hosts2` of the system unless given. */
  readonly globalFiles?: ReadonlyArray<string> | undefined
  /** Write new names hashed, as with `HashKnownHosts yes`; not unless asked. */
  readonly hashNewHosts?: boolean | undefined
}

/**
 * A host and the public key that it showed, in SSH wire format.
 *
 * @since 0.1.0
 * @category models
 */
export interface HostWithKey extends KnownHosts.Host {
  readonly key: Uint8Array
}

/**
 * Why a key was accepted: it is on file (`known`), it was put there (`added`), it was accepted but could not be put
 * there (`not-saved`, with the cause), or nobody looks (`unchecked`, policy `off`).
 *
 * @since 0.1.0
 * @category models
 */
export type Verification =
  | { readonly status: "known"; readonly entry: KnownHosts.Entry }
  | { readonly status: "added"; readonly file: string }
  | { readonly status: "not-saved"; readonly cause: SshError.SshError }
  | { readonly status: "unchecked" }

/**
 * What {@link HostKeys} `trust` did: the key was on file already, was added, or took the place of the `removed` lines.
 *
 * @since 0.1.0
 * @category models
 */
export interface Trusted {
  readonly status: "known" | "added" | "replaced"
  readonly removed: ReadonlyArray<KnownHosts.Entry>
}

/**
 * The service. Every operation reads the files anew; a file that does not exist is empty. All fail with `SshError`:
 * `PermissionDenied` or `FileFailed` for a file that can't be used, `FileLocked` where another program keeps one,
 * `InvalidArgument` for a host or key that can't be written.
 *
 * @since 0.1.0
 * @category services
 */
export class HostKeys extends Context.Service<
  HostKeys,
  {
    /**
     * Key types on file for the host, in file order: ask the server for these only (see {@link serverHostKeyAlgorithms}),
     * so that a key of another type is no alarm. None for a host with revoked or `@cert-authority` lines only, and none
     * under `off`, where any key will do.
     */
    readonly knownTypes: (host: KnownHosts.Host) => Effect.Effect<ReadonlyArray<string>, SshError.SshError>
    /**
     * Judges the key that a server showed. Fails with `HostKeyUnknown`, `HostKeyChanged` or `HostKeyRevoked`.
     */
    readonly verify: (request: HostWithKey) => Effect.Effect<Verification, SshError.SshError>
    /**
     * Fails with `HostKeyChanged` without a fingerprint: for a server that was asked for the known types only and had
     * none of them (`NoCommonAlgorithm` of kind `host-key`).
     */
    readonly changedBecauseNoKnownType: (host: KnownHosts.Host) => Effect.Effect<never, SshError.SshError>
    /**
     * Puts a key on file. Another key of the same type on file is `HostKeyChanged` unless `replace` is set, which removes
     * its lines from the user's files; keys of other types stay. A revoked key is `HostKeyRevoked`.
     */
    readonly trust: (
      request: HostWithKey & { readonly comment?: string | undefined; readonly replace?: boolean | undefined }
    ) => Effect.Effect<Trusted, SshError.SshError>
    /**
     * Removes every line for the host from the user's files and returns what they held, like `ssh-keygen -R`: also lines
     * that name other hosts or match by pattern, but none with a marker. The file before stays as `known_hosts.old`.
     */
    readonly forget: (host: KnownHosts.Host) => Effect.Effect<ReadonlyArray<KnownHosts.Entry>, SshError.SshError>
    /** All lines, or those for a host, marked ones included. */
    readonly list: (host?: KnownHosts.Host) => Effect.Effect<ReadonlyArray<KnownHosts.Entry>, SshError.SshError>
  }
>()("@toehold/ssh-core/HostKeys") {}

/** Ours, best first: small keys and fast signatures, then what old servers have. */
const preference: ReadonlyArray<readonly [algorithm: string, keyType: string]> = [
  ["ssh-ed25519", "ssh-ed25519"],
  ["ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256"],
  ["ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384"],
  ["ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521"],
  ["rsa-sha2-512", "ssh-rsa"],
  ["rsa-sha2-256", "ssh-rsa"],
  ["ssh-rsa", "ssh-rsa"]
]

/**
 * The host key algorithms to offer a server, best first: those that the driver supports, and where types are known for
 * the host only those of these types. An `ssh-rsa` key stands for three signature algorithms (RFC 8332).
 *
 * **Gotchas**
 *
 * The list is empty where types are known but the driver supports none of them: don't connect with it, fail with
 * `changedBecauseNoKnownType`.
 *
 * @since 0.1.0
 * @category accessors
 */
export const serverHostKeyAlgorithms = (
  knownTypes: ReadonlyArray<string>,
  supported: ReadonlyArray<string>
): ReadonlyArray<string> =>
  preference
    .filter(
      ([algorithm, type]) => supported.includes(algorithm) && (knownTypes.length === 0 || knownTypes.includes(type))
    )
    .map(([algorithm]) => algorithm)

/**
 * The files that OpenSSH reads on a platform, when its configuration names no others.
 *
 * @since 0.1.0
 * @category accessors
 */
export const defaultFiles = (
  platform: ClientPlatform.Platform
): { readonly userFiles: ReadonlyArray<string>; readonly globalFiles: ReadonlyArray<string> } => {
  const windows = platform.os === "win32"
  const separator = windows ? "\\" : "/"
  const system = windows ? `${platform.env["PROGRAMDATA"] ?? "C:\\ProgramData"}\\ssh` : "/etc/ssh"
  const both = (folder: string, name: string) => [`${folder}${separator}${name}`, `${folder}${separator}${name}2`]
  return {
    userFiles: both(ClientPlatform.sshDir(platform), "known_hosts"),
    globalFiles: both(system, "ssh_known_hosts")
  }
}

const storable = (host: KnownHosts.Host): Effect.Effect<void, SshError.SshError> =>
  KnownHosts.isStorable(host)
    ? Effect.void
    : Effect.fail(invalid("host", "the name holds a character that can't be written to known_hosts"))

/** The lines for a host by its name or address, each once. */
const named = (found: KnownHosts.Lookup): ReadonlyArray<KnownHosts.Entry> => [
  ...new Set([...found.host, ...found.address])
]

/** Refusals of the key itself, as opposed to trouble with writing it down. */
const isRefusal = (error: SshError.SshError): boolean =>
  error.reason._tag === "HostKeyChanged" || error.reason._tag === "HostKeyRevoked"

/**
 * Makes the service.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function* (
  options: Options = {}
): Effect.fn.Return<HostKeys["Service"], never, FileSystem.FileSystem | Path.Path | ClientPlatform.ClientPlatform> {
  const defaults = defaultFiles(yield* ClientPlatform.ClientPlatform)
  const { globalFiles = defaults.globalFiles, policy = "accept-new", userFiles = defaults.userFiles } = options
  const files = [...userFiles, ...globalFiles]
  const firstFile = userFiles[0]
  const disk = yield* KnownHostsFile.make

  const readFile = Effect.fnUntraced(function* (file: string) {
    const bytes = yield* disk.read(file)
    const parsed = yield* Effect.fromResult(KnownHosts.parse(file, bytes))
    if (parsed.skippedCount > 0) {
      yield* Effect.logDebug("lines of a known_hosts file skipped", {
        file,
        count: parsed.skippedCount,
        first: parsed.skipped[0]
      })
    }
    return parsed
  })

  const readAll = Effect.forEach(files, readFile)
  const lookup = (host: KnownHosts.Host) => Effect.map(readAll, (read) => KnownHosts.lookup(read, host))

  const line = (request: HostWithKey, comment?: string): string =>
    KnownHosts.format({
      host: request,
      blob: request.key,
      comment,
      salt: options.hashNewHosts === true ? () => Crypto.randomBytes(20) : undefined
    })

  const knownTypes = Effect.fn("HostKeys.knownTypes")(function* (host: KnownHosts.Host) {
    if (policy === "off") return []
    const found = yield* lookup(host)
    return [...new Set(found.host.filter(isPlain).map((entry) => entry.keyType))]
  })

  const changedBecauseNoKnownType = Effect.fn("HostKeys.changedBecauseNoKnownType")(function* (host: KnownHosts.Host) {
    const found = yield* lookup(host)
    return yield* changed(host, { keyType: "", fingerprint: "" }, found.host.filter(isPlain))
  })

  /** Adds the key unless another program has put one there since it was found unknown. */
  const add = (file: string, request: HostWithKey, shown: Shown): Effect.Effect<Verification, SshError.SshError> =>
    disk.add(
      file,
      Effect.gen(function* (): Effect.fn.Return<KnownHostsFile.Addition<Verification>, SshError.SshError> {
        const verdict = judge(yield* lookup(request), shown)
        switch (verdict._tag) {
          case "known":
            return { text: undefined, result: { status: "known", entry: verdict.entry } }
          case "changed":
            return yield* changed(request, shown, verdict.entries)
          case "revoked":
            return yield* revoked(request, shown, verdict.entry)
          case "unknown":
            return { text: line(request), result: { status: "added", file } }
        }
      })
    )

  const verify = Effect.fn("HostKeys.verify")(function* (
    request: HostWithKey
  ): Effect.fn.Return<Verification, SshError.SshError> {
    const shown = yield* show(request.key)
    const verdict = judge(yield* lookup(request), shown)
    if (verdict._tag === "revoked") return yield* revoked(request, shown, verdict.entry)
    if (verdict._tag === "known") return { status: "known", entry: verdict.entry }
    if (policy === "off") return { status: "unchecked" }
    if (verdict._tag === "changed") return yield* changed(request, shown, verdict.entries)
    if (policy === "strict" || firstFile === undefined) {
      return yield* SshError.make(
        new SshError.HostKeyUnknown({
          host: request.host,
          port: request.port,
          keyType: shown.keyType,
          fingerprint: shown.fingerprint,
          files,
          certAuthority: verdict.certAuthority
        })
      )
    }
    // A key that could never be put on file would be accepted unseen each time.
    yield* storable(request)
    const added = yield* add(firstFile, request, shown).pipe(
      Effect.catchIf(
        (error) => !isRefusal(error),
        (cause) =>
          // As OpenSSH does: a home that can't be written must not keep anybody from their machine.
          Effect.as(
            Effect.logWarning("the host key could not be added to known_hosts", {
              file: firstFile,
              cause: cause.message
            }),
            { status: "not-saved", cause } as const
          )
      )
    )
    if (added.status === "added") {
      const { fingerprint, keyType } = shown
      yield* Effect.logInfo("host key added", { host: KnownHosts.hostName(request), keyType, fingerprint, ...added })
    }
    return added
  })

  /** Removes lines for a host from a file. */
  const removeFrom = Effect.fnUntraced(function* (
    file: string,
    host: KnownHosts.Host,
    isGone: (entry: KnownHosts.Entry) => boolean
  ) {
    const gone = (bytes: Uint8Array) =>
      Effect.map(Effect.fromResult(KnownHosts.parse(file, bytes)), (parsed) =>
        named(KnownHosts.lookup([parsed], host)).filter(isGone)
      )
    const found = yield* gone(yield* disk.read(file))
    if (found.length === 0) return found
    return yield* disk.rewrite(file, (bytes) =>
      Effect.map(gone(bytes), (result) => ({
        result,
        bytes:
          result.length === 0 ? undefined : KnownHosts.removeLines(bytes, new Set(result.map((entry) => entry.line)))
      }))
    )
  })

  const forget = Effect.fn("HostKeys.forget")(function* (host: KnownHosts.Host) {
    const removed = yield* Effect.forEach(userFiles, (file) => removeFrom(file, host, isPlain))
    return removed.flat()
  })

  const trust = Effect.fn("HostKeys.trust")(function* (
    request: HostWithKey & { readonly comment?: string | undefined; readonly replace?: boolean | undefined }
  ): Effect.fn.Return<Trusted, SshError.SshError> {
    const shown = yield* show(request.key)
    yield* storable(request)
    if (/\p{C}/u.test(request.comment ?? "")) return yield* invalid("comment", "it holds a control character")
    if (firstFile === undefined) return yield* invalid("userFiles", "there is no file to write to")
    const isOther = (entry: KnownHosts.Entry): boolean =>
      isPlain(entry) && entry.keyType === shown.keyType && !isShown(shown)(entry)
    const status = yield* disk.add(
      firstFile,
      Effect.gen(function* (): Effect.fn.Return<KnownHostsFile.Addition<"known" | "added">, SshError.SshError> {
        const found = yield* lookup(request)
        const verdict = judge(found, shown)
        if (verdict._tag === "revoked") return yield* revoked(request, shown, verdict.entry)
        const others = named(found).filter(isOther)
        if (request.replace !== true && others.length > 0) return yield* changed(request, shown, others)
        return found.host.filter(isPlain).some(isShown(shown))
          ? { text: undefined, result: "known" }
          : { text: line(request, request.comment), result: "added" }
      })
    )
    if (request.replace !== true) return { status, removed: [] }
    // The new line is there before the old ones go, so that the host is unknown at no moment.
    const removed = yield* Effect.forEach(userFiles, (file) => removeFrom(file, request, isOther))
    return { status: removed.flat().length > 0 ? "replaced" : status, removed: removed.flat() }
  })

  const list = Effect.fn("HostKeys.list")(function* (host?: KnownHosts.Host) {
    const read = yield* readAll
    if (host === undefined) return read.flatMap((file) => file.entries)
    return named(KnownHosts.lookup(read, host))
  })

  return HostKeys.of({ knownTypes, verify, changedBecauseNoKnownType, trust, forget, list })
})

/**
 * The service as a layer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Options = {}
): Layer.Layer<HostKeys, never, FileSystem.FileSystem | Path.Path | ClientPlatform.ClientPlatform> =>
  Layer.effect(HostKeys, make(options))
