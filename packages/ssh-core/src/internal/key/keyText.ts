/** The text around a key: encodings, armour and base64. */
import { Result } from "effect"
import { isPublic, type Read, unreadable, unsupported } from "./fault.ts"

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

const beginMark = "-----BEGIN "

/** Whether the text has armour such as `-----BEGIN OPENSSH PRIVATE KEY-----` (RFC 7468). */
export const isArmoured = (text: string): boolean => text.includes(beginMark)

interface Part<Label> {
  readonly label: Label
  /** RFC 1421 headers, names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: Uint8Array
}

const privateLabels = [
  "OPENSSH PRIVATE KEY",
  "RSA PRIVATE KEY",
  "EC PRIVATE KEY",
  "PRIVATE KEY",
  "ENCRYPTED PRIVATE KEY"
] as const

type PrivateLabel = (typeof privateLabels)[number]

export type PemLabel = Exclude<PrivateLabel, "OPENSSH PRIVATE KEY">

export type PemArmour = Part<PemLabel>

export type PrivateArmour = PemArmour | Part<"OPENSSH PRIVATE KEY">

const isPrivateLabel = (label: string): label is PrivateLabel => privateLabels.some((known) => known === label)

/** The first private key in armoured text. Curve parameters or certificates may stand around it. */
export const privateArmour = (text: string): Read<PrivateArmour> =>
  Result.gen(function* () {
    const labels = labelsIn(text)
    const found = labels.flatMap(({ label, start }) => (isPrivateLabel(label) ? [{ label, start }] : []))[0]
    if (found === undefined) return yield* notPrivate(text, labels[0]?.label)
    const { label, start } = found
    const end = text.indexOf(`-----END ${label}-----`, start)
    if (end === -1) return yield* Result.fail(unreadable("its END line is missing"))
    const headers = new Map<string, string>()
    const rest: Array<string> = []
    for (const line of text.slice(start, end).split(/\r\n|\r|\n/)) {
      const colon = line.indexOf(":")
      if (colon === -1) rest.push(line)
      else headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim())
    }
    return { label, headers, body: yield* base64(rest.join("")) }
  })

/** Every label with the place after it, in order. */
const labelsIn = (text: string): ReadonlyArray<{ readonly label: string; readonly start: number }> => {
  const found: Array<{ readonly label: string; readonly start: number }> = []
  for (let begin = text.indexOf(beginMark); begin !== -1; begin = text.indexOf(beginMark, begin + 1)) {
    const labelStart = begin + beginMark.length
    const labelEnd = text.indexOf("-----", labelStart)
    if (labelEnd === -1) break
    found.push({ label: text.slice(labelStart, labelEnd), start: labelEnd + 5 })
  }
  return found
}

const notPrivate = (text: string, label: string | undefined): Read<never> =>
  Result.flatMap(foreignFormat(text), () => {
    if (label === undefined) return Result.fail(unreadable("its BEGIN line is incomplete"))
    return Result.fail(label.endsWith("PUBLIC KEY") ? isPublic : unsupported(`PEM with the label ${label}`))
  })

/** What a PuTTY key file begins with; its version follows. */
export const ppkMark = "PuTTY-User-Key-File-"

export const isPpk = (text: string): boolean => text.trimStart().startsWith(ppkMark)

/** Whether a private key was meant, whole or not. */
export const isPrivate = (text: string): boolean => text.includes("PRIVATE KEY-----") || isPpk(text)

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
