/** Public keys in the forms of text that OpenSSH and others write. */
import { Result } from "effect"
import { type Read, unreadable, unsupported } from "./fault.ts"
import { base64, cleanComment, foreignFormat, isArmoured, isPrivate, utf8Of } from "./keyText.ts"
import { isPublicType, readPublicBlob } from "./publicBlob.ts"

/**
 * A public key. `type` is the name that SSH gives it (`ssh-ed25519`, `ssh-rsa`, `ecdsa-sha2-nistp256`, …) and `blob`
 * the key itself as SSH sends it (RFC 4253 section 6.6).
 *
 * @since 0.1.0
 * @category models
 */
export interface SshPublicKey {
  readonly type: string
  readonly blob: Uint8Array
  /** Length of the key in bits, as `ssh-keygen -l` prints it. */
  readonly bits: number
  /** One line without control characters; empty where there is none. */
  readonly comment: string
  /** What stands before the key in an `authorized_keys` line, such as `restrict,command="uptime"`; empty elsewhere. */
  readonly options: string
}

export const make = (blob: Uint8Array, comment: string, options: string): Read<SshPublicKey> =>
  Result.map(readPublicBlob(blob), ({ bits, type }) => ({
    type,
    blob: Uint8Array.from(blob),
    bits,
    comment: cleanComment(comment),
    options
  }))

export const rfc4716Begin = "---- BEGIN SSH2 PUBLIC KEY ----"
export const rfc4716End = "---- END SSH2 PUBLIC KEY ----"

/** The first public key of a text. */
export const read = (text: string): Read<SshPublicKey> =>
  Result.gen(function* () {
    if (text.includes(rfc4716Begin)) return yield* readRfc4716(text)
    yield* foreignFormat(text)
    if (isPrivate(text)) {
      return yield* Result.fail(unreadable("it is a private key, and a public one is expected"))
    }
    if (isArmoured(text)) return yield* Result.fail(unsupported("a public key in PEM"))
    const lines = text.split(/\r\n|\r|\n/).map((line) => line.trim())
    const line = lines.find((line) => line !== "" && !line.startsWith("#"))
    return line === undefined ? yield* Result.fail(unreadable("it holds no key")) : yield* readLine(line)
  })

const readLine = (line: string): Read<SshPublicKey> =>
  Result.gen(function* () {
    const [first, afterFirst] = word(line)
    const hasOptions = !isPublicType(first)
    const [type, afterType] = hasOptions ? word(afterFirst) : [first, afterFirst]
    const [encoded, comment] = word(afterType)
    if (!isPublicType(type)) return yield* Result.fail(unreadable("it holds no key in a format that is known"))
    const blob = yield* base64(encoded)
    const key = yield* make(blob, utf8Of(comment), hasOptions ? utf8Of(first) : "")
    return key.type === type ? key : yield* Result.fail(unreadable("its type and its content differ"))
  })

/** The first word and the rest; blanks between double quotes don't end a word. */
const word = (text: string): readonly [word: string, rest: string] => {
  let quoted = false
  let end = 0
  for (; end < text.length; end++) {
    const char = text[end]
    if (char === "\\" && text[end + 1] === '"') end++
    else if (char === '"') quoted = !quoted
    else if (!quoted && (char === " " || char === "\t")) break
  }
  return [text.slice(0, end), text.slice(end).trimStart()]
}

const readRfc4716 = (text: string): Read<SshPublicKey> =>
  Result.gen(function* () {
    const start = text.indexOf(rfc4716Begin) + rfc4716Begin.length
    const end = text.indexOf(rfc4716End, start)
    if (end === -1) return yield* Result.fail(unreadable("its END line is missing"))
    const lines = text
      .slice(start, end)
      .replace(/\\(\r\n|\r|\n)/g, "")
      .split(/\r\n|\r|\n/)
    const headers = lines.filter((line) => line.includes(":"))
    const comment = headers.find((line) => line.toLowerCase().startsWith("comment:"))?.slice(8) ?? ""
    const blob = yield* base64(lines.filter((line) => !line.includes(":")).join(""))
    return yield* make(
      blob,
      utf8Of(comment)
        .trim()
        .replace(/^"(.*)"$/, "$1"),
      ""
    )
  })
