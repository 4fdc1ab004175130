/**
 * The name of a machine, as people write it: an alias, `user@host:port`, an `ssh://` address, or a whole `ssh` command
 * line pasted from a provider's page.
 *
 * @since 0.1.0
 */
import { Result, Schema } from "effect"
import { failTarget } from "./internal/invalidTarget.ts"
import { formatAddress } from "./internal/sshTarget/address.ts"
import { readWords } from "./internal/sshTarget/commandLine.ts"
import {
  addConfigFile,
  addIdentityFile,
  addJump,
  addOption,
  addPort,
  addUser,
  type Draft,
  emptyDraft
} from "./internal/sshTarget/draft.ts"
import { quoteWord, splitWords } from "./internal/sshTarget/words.ts"
import * as PortForward from "./PortForward.ts"
import type { SshError } from "./SshError.ts"

/**
 * What a name of a machine says, before any configuration file is read: a missing field was not given. `host` may be
 * an alias of `~/.ssh/config`.
 *
 * @since 0.1.0
 * @category models
 */
export class SshTarget extends Schema.Class<SshTarget>("@toehold/ssh-core/SshTarget")({
  host: Schema.String,
  user: Schema.optionalKey(Schema.String),
  port: Schema.optionalKey(Schema.Int),
  /** As they were written: `~` and `%` tokens stand until the target is resolved. */
  identityFiles: Schema.Array(Schema.String),
  /** The hops on the way, nearest first, each `[user@]host[:port]`; empty for `none`. */
  proxyJump: Schema.optionalKey(Schema.Array(Schema.String)),
  /** `-F`: read instead of the user's and the system's configuration; `none` for no file at all. */
  configFile: Schema.optionalKey(Schema.String),
  forwards: Schema.Array(PortForward.PortForward),
  /** `-N`: the connection is there for its forwardings. */
  noCommand: Schema.Boolean,
  /** Every other `-o`, keyword in lower case, the value as it was written. */
  options: Schema.Array(Schema.Struct({ keyword: Schema.String, value: Schema.String }))
}) {}

/**
 * How the words are to be read: on `win32` a backslash is part of a path, elsewhere it takes the next character
 * literally; and `UseKeychain` is an option on `darwin` alone. Linux if it is not given.
 *
 * @since 0.1.0
 * @category models
 */
export interface ParseOptions {
  readonly platform?: { readonly os: string } | undefined
}

const osOf = (options: ParseOptions | undefined): string => options?.platform?.os ?? "linux"

const finish = (draft: Draft): Result.Result<SshTarget, SshError> => {
  const { configFile, forwards, host, identityFiles, noCommand, options, port, proxyJump, user } = draft
  if (host === undefined) return failTarget("", "the host is missing")
  return Result.succeed(
    new SshTarget({
      host,
      identityFiles,
      forwards,
      noCommand,
      options,
      ...(user === undefined ? {} : { user }),
      ...(port === undefined ? {} : { port }),
      ...(proxyJump === undefined ? {} : { proxyJump }),
      ...(configFile === undefined ? {} : { configFile })
    })
  )
}

const isSsh = (word: string): boolean => /^(?:.*[/\\])?ssh(?:\.exe)?$/i.test(word)

// Far more than any command line that a person pastes.
const maxLength = 64 * 1024

/**
 * Reads words that a shell has already split: a leading `ssh`, flags before and after the host, and the host as an
 * alias, `[user@]host[:port]`, a bare IPv6 address or `ssh://[user@]host[:port]`. Every flag of ssh(1) is either
 * honoured, known to change nothing here (such as `-v`), or refused. Fails with `InvalidTarget`, which names the word.
 *
 * **Gotchas**
 *
 * Unlike ssh, `host:2222` is a host and a port, and what ssh takes the first of (two ports, two users) is an error when
 * the values differ. A user name with a colon in it can be given by `-l` only: before an `@` it is taken for a password.
 *
 * @since 0.1.0
 * @category constructors
 */
export const parseWords = (
  words: ReadonlyArray<string>,
  options?: ParseOptions
): Result.Result<SshTarget, SshError> => {
  const draft = emptyDraft()
  const [first, ...rest] = words
  if (words.reduce((length, word) => length + word.length, 0) > maxLength) {
    return failTarget(first ?? "", `longer than ${maxLength} characters`)
  }
  return Result.flatMap(readWords(draft, first !== undefined && isSsh(first) ? rest : words, osOf(options)), () =>
    finish(draft)
  )
}

/**
 * Reads one text, as it is pasted or given as one argument: splits it into words as the platform's shell would and
 * hands them to {@link parseWords}. What a shell would act on or replace (`;`, `|`, `$HOME`) is refused.
 *
 * @since 0.1.0
 * @category constructors
 */
export const parse = (text: string, options?: ParseOptions): Result.Result<SshTarget, SshError> => {
  if (text.length > maxLength) return failTarget(text, `longer than ${maxLength} characters`)
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/.test(text)) {
    return failTarget(text.replace(/[\u0000-\u001f\u007f]/g, "?"), "it holds control characters")
  }
  return Result.flatMap(splitWords(text.trim(), osOf(options)), (words) => parseWords(words, options))
}

/**
 * The flags of ssh that every command takes beside the machine, as they were given.
 *
 * @since 0.1.0
 * @category models
 */
export interface Flags {
  /** `-i`, in order. */
  readonly identityFiles?: ReadonlyArray<string> | undefined
  /** `-p`. */
  readonly port?: string | number | undefined
  /** `-l`. */
  readonly user?: string | undefined
  /** `-J`: hops with commas between them, or `none`. */
  readonly proxyJump?: string | undefined
  /** `-F`. */
  readonly configFile?: string | undefined
  /** `-o`, each `Key=Value`, in order. */
  readonly options?: ReadonlyArray<string> | undefined
  /** `-L`, `-R` and `-D`. */
  readonly forwards?: ReadonlyArray<PortForward.PortForward> | undefined
}

/**
 * A target with further flags. Its keys and options come after those of the flags, so that where the first value
 * counts, the flag's does. What can be given only once (port, user, hops, configuration file) fails with
 * `InvalidTarget` when the target says otherwise.
 *
 * @since 0.1.0
 * @category combinators
 */
export const withOptions = (
  target: SshTarget,
  flags: Flags,
  options?: ParseOptions
): Result.Result<SshTarget, SshError> =>
  Result.gen(function* () {
    const os = osOf(options)
    const draft: Draft = {
      host: target.host,
      user: target.user,
      port: target.port,
      proxyJump: target.proxyJump,
      configFile: target.configFile,
      noCommand: target.noCommand,
      identityFiles: [],
      forwards: [...target.forwards, ...(flags.forwards ?? [])],
      options: []
    }
    for (const file of flags.identityFiles ?? []) yield* addIdentityFile(draft, file)
    if (flags.port !== undefined) yield* addPort(draft, `${flags.port}`)
    if (flags.user !== undefined) yield* addUser(draft, flags.user)
    if (flags.proxyJump !== undefined) yield* addJump(draft, flags.proxyJump)
    if (flags.configFile !== undefined) yield* addConfigFile(draft, flags.configFile)
    for (const text of flags.options ?? []) yield* addOption(draft, text, os)
    for (const file of target.identityFiles) yield* addIdentityFile(draft, file)
    draft.options.push(...target.options)
    return yield* finish(draft)
  })

const forwardFlags = { local: "-L", remote: "-R", dynamic: "-D" } as const

/**
 * Writes a target as one text that {@link parse} reads back on every platform: `user@host:port` where that says it all,
 * else a whole command line. A target holds no secrets, so none are shown.
 *
 * @since 0.1.0
 * @category formatting
 */
export const format = (target: SshTarget): string => {
  const { configFile, forwards, host, identityFiles, noCommand, options, port, proxyJump, user } = target
  const address = formatAddress({ host, port, user })
  const flags = [
    ...(configFile === undefined ? [] : ["-F", configFile]),
    ...(address === undefined && user !== undefined ? ["-l", user] : []),
    ...identityFiles.flatMap((file) => ["-i", file]),
    ...(proxyJump === undefined ? [] : ["-J", proxyJump.join(",") || "none"]),
    ...forwards.flatMap((forward) => [forwardFlags[forward.kind], PortForward.format(forward)]),
    ...(noCommand ? ["-N"] : []),
    ...options.flatMap(({ keyword, value }) => ["-o", `${keyword}=${value}`])
  ]
  const destination = address ?? formatAddress({ host, port, user: undefined }) ?? host
  const words = flags.length === 0 && !isSsh(host) ? [destination] : ["ssh", ...flags, destination]
  return words.map(quoteWord).join(" ")
}
