/** The text around a key: encodings, armour and base64. */
import { Result } from "effect"
import { type Read, unreadable, unsupported } from "./fault.ts"

/** Far above any key there is, RSA with 16384 bits included. */
export const maxKeyBytes = 64 * 1024

/**
 * The text of a key file with one character per byte, so that bytes which a MAC covers come back unchanged. UTF-16 with a
 * byte order mark, which PowerShell's `>` writes, is turned into UTF-8 first.
 */
export const textOf = (data: Uint8Array | string): Read<string> => {
  const bytes = typeof data === "string" ? Buffer.from(data, "utf8") : Buffer.from(data)
  if (bytes.length > maxKeyBytes) return Result.fail(unreadable(`it is longer than ${maxKeyBytes / 1024} KiB`))
  if (bytes[0] === 0xff && bytes[1] === 0xfe) {
    return Result.succeed(Buffer.from(bytes.subarray(2).toString("utf16le"), "utf8").toString("latin1"))
  }
  const start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  return Result.succeed(bytes.subarray(start).toString("latin1"))
}

/** Undoes {@link textOf} for a part of it that people read. */
export const utf8Of = (latin1: string): string => Buffer.from(latin1, "latin1").toString("utf8")

/**
 * A comment as one line that is safe to print and to write into a file of lines: a line break in it would begin a second
 * `authorized_keys` entry.
 */
export const cleanComment = (comment: string): string => comment.replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ").trim()

/** Strict base64 in any number of lines. Node's own decoder would skip what it doesn't know. */
export const base64 = (text: string): Read<Uint8Array> => {
  const packed = text.replace(/[ \t\r\n]+/g, "")
  return packed.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(packed)
    ? Result.succeed(Uint8Array.from(Buffer.from(packed, "base64")))
    : Result.fail(unreadable("its base64 is damaged or incomplete"))
}

export const wrapped = (bytes: Uint8Array, width: number): ReadonlyArray<string> =>
  Buffer.from(bytes)
    .toString("base64")
    .match(new RegExp(`.{1,${width}}`, "g")) ?? []

export interface Armour {
  readonly label: string
  /** RFC 1421 headers, names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: Uint8Array
}

const beginMark = "-----BEGIN "

/** Whether the text has armour such as `-----BEGIN OPENSSH PRIVATE KEY-----` (RFC 7468). */
export const isArmoured = (text: string): boolean => text.includes(beginMark)

/** The first armoured part of the text. */
export const armour = (text: string): Read<Armour> =>
  Result.gen(function* () {
    const begin = text.indexOf(beginMark)
    const labelEnd = text.indexOf("-----", begin + beginMark.length)
    if (begin === -1 || labelEnd === -1) return yield* Result.fail(unreadable("its BEGIN line is incomplete"))
    const label = text.slice(begin + beginMark.length, labelEnd)
    const start = labelEnd + 5
    const end = text.indexOf(`-----END ${label}-----`, start)
    if (end === -1) return yield* Result.fail(unreadable("its END line is missing"))
    const lines = text.slice(start, end).split(/\r\n|\r|\n/)
    const headers = new Map<string, string>()
    const rest: Array<string> = []
    for (const line of lines) {
      const colon = line.indexOf(":")
      if (colon === -1) rest.push(line)
      else headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim())
    }
    return { label, headers, body: yield* base64(rest.join("")) }
  })

/** What a PuTTY key file begins with; its version follows. */
export const ppkMark = "PuTTY-User-Key-File-"

export const isPpk = (text: string): boolean => text.trimStart().startsWith(ppkMark)

/** Formats that are recognised by how they begin, only to be named in the error. */
export const foreignFormat = (text: string): Read<void> => {
  const found = foreignMarks.find(([mark]) => text.includes(mark))
  return found === undefined ? Result.succeed(undefined) : Result.fail(unsupported(found[1]))
}

const foreignMarks = [
  ["---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----", "a private key of ssh.com's own format"],
  ["SSH PRIVATE KEY FILE FORMAT 1.1", "an SSH-1 key"],
  ["BEGIN DSA PRIVATE KEY", "a DSA key"],
  ["BEGIN CERTIFICATE", "an X.509 certificate"],
  ["BEGIN PGP ", "a PGP key"]
] as const
