/**
 * The known_hosts file format of OpenSSH (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"): reading, matching, and making lines.
 * Nothing here touches a file.
 *
 * @since 0.1.0
 */
import { Result } from "effect"
import * as Crypto from "node:crypto"
import { isKeyType, keyTypeOf } from "./internal/hostKeyBlob.ts"
import { lowerCase, matchesList } from "./internal/hostPattern.ts"
import * as SshError from "./SshError.ts"

/**
 * The largest file that is read, in bytes: 16 MiB, room for more than 100,000 keys.
 *
 * @since 0.1.0
 * @category constants
 */
export const maxFileBytes = 16 * 1024 * 1024

/** Junk lines beyond this many are counted, not kept, so that a file of junk costs no more memory than its size. */
const maxSkippedKept = 1000

/** The longest name that the resolver knows (`NI_MAXHOST`) with brackets and a port. */
const maxNameLength = 1040

/**
 * What a line says besides "this is the host's key": `cert-authority` for a key that signs host certificates,
 * `revoked` for a key that must never be accepted.
 *
 * @since 0.1.0
 * @category models
 */
export type Marker = "cert-authority" | "revoked"

/**
 * One key line.
 *
 * @since 0.1.0
 * @category models
 */
export interface Entry {
  readonly file: string
  /** Line number, from 1. */
  readonly line: number
  readonly marker: Marker | undefined
  /** The host field as the file has it, one character a byte: names and patterns, or one hashed name (`|1|…`). */
  readonly hosts: string
  /** Type of the key itself: `ssh-rsa` also where the line says `rsa-sha2-512`. */
  readonly keyType: string
  /** The public key in SSH wire format. */
  readonly blob: Uint8Array
  readonly comment: string
}

/**
 * A line that is neither a key, a comment nor blank. It is never touched.
 *
 * @since 0.1.0
 * @category models
 */
export interface SkippedLine {
  readonly line: number
  readonly reason: string
}

/**
 * What a file holds.
 *
 * @since 0.1.0
 * @category models
 */
export interface KnownHosts {
  readonly file: string
  readonly entries: ReadonlyArray<Entry>
  /** The first 1000 skipped lines. */
  readonly skipped: ReadonlyArray<SkippedLine>
  readonly skippedCount: number
}

/**
 * Whom to look up: the host and port that the connection is for. `alias` stands for `HostKeyAlias` and replaces both.
 * `address` is the IP address behind the name, for those who want it checked too, as with `CheckHostIP yes`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Host {
  readonly host: string
  readonly port: number
  readonly alias?: string | undefined
  readonly address?: string | undefined
}

/**
 * The lines that name a host, in the order of the files.
 *
 * @since 0.1.0
 * @category models
 */
export interface Lookup {
  /** Lines for the {@link hostName}. */
  readonly host: ReadonlyArray<Entry>
  /** Lines for the address; none unless it was given. */
  readonly address: ReadonlyArray<Entry>
  /**
   * Lines for the host without its port, where that is not 22 and there is no alias. OpenSSH accepts a key found there,
   * but takes another key for unknown, not for changed.
   */
  readonly withoutPort: ReadonlyArray<Entry>
}

// Names are compared byte by byte, as OpenSSH does, so strings in here hold one character a byte.
const bytesOf = (name: string): string => Buffer.from(name, "utf8").toString("latin1")

const withPort = (name: string, port: number): string => (port === 22 ? name : `[${name}]:${port}`)

/**
 * The name that stands for a host in the file: the alias if there is one, `host` for port 22, else `[host]:port`; in
 * lower case.
 *
 * @since 0.1.0
 * @category accessors
 */
export const hostName = (host: Host): string => lowerCase(host.alias ?? withPort(host.host, host.port))

/** The names that are written for a host. */
const hostNames = (host: Host): ReadonlyArray<string> => {
  const name = hostName(host)
  const address = addressName(host)
  return address === undefined || address === name ? [name] : [name, address]
}

const addressName = (host: Host): string | undefined =>
  host.address === undefined ? undefined : lowerCase(withPort(host.address, host.port))

const isBlank = (character: string | undefined): boolean => character === " " || character === "\t"

/** The word at `from` and where the next one starts, blanks in between skipped. */
const word = (line: string, from: number): readonly [word: string, next: number] => {
  let end = from
  while (end < line.length && !isBlank(line[end])) end++
  let next = end
  while (isBlank(line[next])) next++
  return [line.slice(from, end), next]
}

const decodeBase64 = (encoded: string): Uint8Array | undefined => {
  const bytes = Buffer.from(encoded, "base64")
  // Node drops what it doesn't understand; OpenSSH refuses it, missing padding and stray bits included.
  return bytes.toString("base64") === encoded ? bytes : undefined
}

const hashMagic = "|1|"
const hashLength = 20

/** The salt of a hashed name, or `undefined` where the field is not one. */
const saltOf = (hosts: string): Uint8Array | undefined => {
  const end = hosts.indexOf("|", hashMagic.length)
  if (!hosts.startsWith(hashMagic) || end === -1) return undefined
  const salt = decodeBase64(hosts.slice(hashMagic.length, end))
  return salt?.length === hashLength ? salt : undefined
}

/**
 * A name in the hashed form that `HashKnownHosts` writes: HMAC-SHA1 of the name, keyed with 20 random bytes.
 *
 * @since 0.1.0
 * @category constructors
 */
export const hashName = (name: string, salt: Uint8Array): string => hashBytes(lowerCase(bytesOf(name)), salt)

const hashBytes = (name: string, salt: Uint8Array): string => {
  const hash = Crypto.createHmac("sha1", salt).update(name, "latin1").digest("base64")
  return `${hashMagic}${Buffer.from(salt).toString("base64")}|${hash}`
}

type Fields = Omit<Entry, "file" | "line">

const markers: ReadonlyMap<string, Marker> = new Map([
  ["@cert-authority", "cert-authority"],
  ["@revoked", "revoked"]
])

/** Signature algorithms that OpenSSH also takes for the name of the key type. */
const rsaNames: ReadonlySet<string> = new Set(["rsa-sha2-256", "rsa-sha2-512"])

/** A key line, `undefined` for a blank line or a comment, or the reason why it is neither. */
const parseLine = (raw: string): Result.Result<Fields | undefined, string> => {
  // OpenSSH reads C strings: a line ends at its first NUL.
  const nul = raw.indexOf("\0")
  const line = (nul === -1 ? raw : raw.slice(0, nul)).replace(/\r$/, "")
  let at = 0
  while (isBlank(line[at])) at++
  if (at === line.length || line[at] === "#") return Result.succeed(undefined)
  let marker: Marker | undefined
  if (line[at] === "@") {
    const [name, next] = word(line, at)
    marker = markers.get(name)
    if (marker === undefined) return Result.fail("unknown marker")
    if (line[next] === "@") return Result.fail("more than one marker")
    at = next
  }
  const [hosts, atType] = word(line, at)
  const [namedType, atKey] = word(line, atType)
  const [encoded, atComment] = word(line, atKey)
  if (encoded === "") return Result.fail("the line ends before the key")
  if (hosts.startsWith("|") && saltOf(hosts) === undefined) return Result.fail("malformed hashed host")
  const keyType = rsaNames.has(namedType) ? "ssh-rsa" : namedType
  if (!isKeyType(keyType)) return Result.fail("unsupported key type")
  const blob = decodeBase64(encoded.replace(/[\v\f\r]+/g, ""))
  if (blob === undefined) return Result.fail("the key is not base64")
  if (keyTypeOf(blob) !== keyType) return Result.fail("the key is not a whole one of the named type")
  const comment = Buffer.from(line.slice(atComment), "latin1").toString("utf8")
  return Result.succeed({ marker, hosts, keyType, blob, comment })
}

/**
 * Reads a file's bytes. A line that is no key is skipped with a reason, as OpenSSH does; the only error is `FileFailed`,
 * for more than {@link maxFileBytes}. Lines end with LF or CRLF.
 *
 * **Gotchas**
 *
 * A key of a type that is not known here (a newer one, or SSH 1) is a skipped line: it neither identifies the host nor
 * raises an alarm when the host shows another key.
 *
 * @since 0.1.0
 * @category constructors
 */
export const parse = (file: string, bytes: Uint8Array): Result.Result<KnownHosts, SshError.SshError> => {
  if (bytes.length > maxFileBytes) {
    return Result.fail(SshError.make(new SshError.FileFailed({ path: file, detail: "it is larger than 16 MiB" })))
  }
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1")
  const entries: Array<Entry> = []
  const skipped: Array<SkippedLine> = []
  let skippedCount = 0
  for (let start = 0, line = 1; start < text.length; line++) {
    const newline = text.indexOf("\n", start)
    const end = newline === -1 ? text.length : newline
    const parsed = parseLine(text.slice(start, end))
    if (Result.isFailure(parsed)) {
      skippedCount++
      if (skipped.length < maxSkippedKept) skipped.push({ line, reason: parsed.failure })
    } else if (parsed.success !== undefined) {
      entries.push({ file, line, ...parsed.success })
    }
    start = end + 1
  }
  return Result.succeed({ file, entries, skipped, skippedCount })
}

const matchesBytes = (hosts: string, name: string): boolean => {
  if (!hosts.startsWith("|")) return matchesList(name, hosts)
  const salt = saltOf(hosts)
  return salt !== undefined && hashBytes(name, salt) === hosts
}

/** A test for lines that are for a name, such as `web` or `[web]:2222`. */
const matchesName = (name: string): ((entry: Entry) => boolean) => {
  const wanted = lowerCase(bytesOf(name))
  return wanted === "" || wanted.length > maxNameLength ? () => false : (entry) => matchesBytes(entry.hosts, wanted)
}

/**
 * The lines of some files, user's first, that are for a host.
 *
 * @since 0.1.0
 * @category accessors
 */
export const lookup = (files: ReadonlyArray<KnownHosts>, host: Host): Lookup => {
  const entries = files.flatMap((file) => file.entries)
  const named = (name: string | undefined): ReadonlyArray<Entry> =>
    name === undefined ? [] : entries.filter(matchesName(name))
  return {
    host: named(hostName(host)),
    address: named(addressName(host)),
    withoutPort: host.alias === undefined && host.port !== 22 ? named(host.host) : []
  }
}

/**
 * Whether a host can be written into a file: no name of it holds a blank, a control character, or a character that means
 * something there. OpenSSH does not record such names either.
 *
 * @since 0.1.0
 * @category predicates
 */
export const isStorable = (host: Host): boolean =>
  [host.alias ?? host.host, host.address ?? "none"].every(
    (name) => name.length <= 1024 && /^[^\s\p{C}@?*#[\]|'"\\,!]+$/u.test(name)
  )

/**
 * What {@link format} needs.
 *
 * @since 0.1.0
 * @category models
 */
export interface NewEntry {
  readonly host: Host
  /** The public key in SSH wire format. */
  readonly blob: Uint8Array
  /** One line of text. */
  readonly comment?: string | undefined
  /** Gives the 20 random bytes for each name that is hashed; without it names are written in clear. */
  readonly salt?: (() => Uint8Array) | undefined
}

/**
 * The line for a key, its newline included: `names type key comment`. Hashed, each name has its own line.
 *
 * **Gotchas**
 *
 * The host must be {@link isStorable}, and the comment must hold no control character; nothing is escaped here.
 *
 * @since 0.1.0
 * @category constructors
 */
export const format = (entry: NewEntry): string => {
  const { salt } = entry
  const names = hostNames(entry.host)
  const fields = salt === undefined ? [names.join(",")] : names.map((name) => hashName(name, salt()))
  const key = `${keyTypeOf(entry.blob) ?? ""} ${Buffer.from(entry.blob).toString("base64")}`
  const comment = entry.comment === undefined || entry.comment === "" ? "" : ` ${entry.comment}`
  return fields.map((hosts) => `${hosts} ${key}${comment}\n`).join("")
}

/**
 * A file's bytes without some lines, given by number from 1. Every other byte stays as it is.
 *
 * @since 0.1.0
 * @category combinators
 */
export const removeLines = (bytes: Uint8Array, lines: ReadonlySet<number>): Uint8Array => {
  const kept: Array<Uint8Array> = []
  for (let start = 0, line = 1, keptFrom = 0; start <= bytes.length; line++) {
    const newline = bytes.indexOf(10, start)
    const end = newline === -1 ? bytes.length : newline + 1
    if (lines.has(line)) {
      kept.push(bytes.subarray(keptFrom, start))
      keptFrom = end
    }
    if (newline === -1) {
      kept.push(bytes.subarray(keptFrom))
      break
    }
    start = end
  }
  return Buffer.concat(kept)
}
