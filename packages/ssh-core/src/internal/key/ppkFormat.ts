/** PuTTY's `.ppk`, versions 2 and 3 (appendix C of the PuTTY manual). */
import { Effect, Result } from "effect"
import * as Crypto from "node:crypto"
import { encrypt, unwrapped } from "./cipher.ts"
import { type Fault, passphraseMissing, passphraseWrong, type Read, unreadable, unsupported } from "./fault.ts"
import { base64, cleanComment, ppkMark, utf8Of, wrapped } from "./keyText.ts"
import { keyPair, type KeyPair, numbersOf, type PrivateNumbers, publicBlob, type PublicNumbers } from "./keyNumbers.ts"
import * as PassphraseKey from "./passphraseKey.ts"
import { readUsableBlob } from "./publicBlob.ts"
import { mpint, string, WireReader } from "./sshWire.ts"

export interface PpkFile {
  readonly version: 2 | 3
  readonly type: string
  readonly encrypted: boolean
  readonly comment: string
  /** As the MAC covers it: one character per byte. */
  readonly rawComment: string
  readonly publicBlob: Uint8Array
  readonly secret: Uint8Array
  readonly kdf: KdfHeaders | undefined
  readonly mac: string
}

type KdfHeaders = Omit<PassphraseKey.Argon2Options, "passphrase" | "length">

/** Reads everything that needs no passphrase. */
export const open = (text: string): Read<PpkFile> =>
  Result.gen(function* () {
    const lines = text.trimStart().split(/\r\n|\r|\n/)
    let next = 0
    const header = (name: string): Read<string> => {
      const line = lines[next++] ?? ""
      return line.startsWith(`${name}: `)
        ? Result.succeed(line.slice(name.length + 2))
        : Result.fail(unreadable(`the line "${name}:" is missing`))
    }
    const number = (name: string): Read<number> =>
      Result.flatMap(header(name), (value) =>
        /^[0-9]{1,10}$/.test(value) ? Result.succeed(Number(value)) : Result.fail(unreadable(`${name} is not a number`))
      )
    const block = (name: string): Read<Uint8Array> =>
      Result.flatMap(number(name), (count) => {
        if (count > lines.length - next) return Result.fail(unreadable("lines are missing"))
        next += count
        return base64(lines.slice(next - count, next).join(""))
      })

    const version = lines[0]?.slice(ppkMark.length, ppkMark.length + 1)
    if (version !== "2" && version !== "3") {
      return yield* Result.fail(unsupported(`a PuTTY key file of version ${version}`))
    }
    const type = yield* header(`${ppkMark}${version}`)
    const encryption = yield* header("Encryption")
    if (encryption !== "none" && encryption !== "aes256-cbc") {
      return yield* Result.fail(unsupported(`encrypted with the cipher ${encryption}`))
    }
    const encrypted = encryption !== "none"
    // An empty comment may have lost its blank to an editor.
    if (lines[next] === "Comment:") lines[next] = "Comment: "
    const rawComment = yield* header("Comment")
    const publicBlob = yield* block("Public-Lines")
    let kdf: KdfHeaders | undefined
    if (encrypted && version === "3") {
      const flavour = (yield* header("Key-Derivation")).toLowerCase()
      if (flavour !== "argon2d" && flavour !== "argon2i" && flavour !== "argon2id") {
        return yield* Result.fail(unsupported(`encrypted with a key from the KDF ${flavour}`))
      }
      const memory = yield* number("Argon2-Memory")
      const passes = yield* number("Argon2-Passes")
      const parallelism = yield* number("Argon2-Parallelism")
      const salt = yield* hex(yield* header("Argon2-Salt"))
      kdf = { flavour, memory, passes, parallelism, salt }
    }
    const secret = yield* block("Private-Lines")
    const mac = (yield* header("Private-MAC")).trim()
    const comment = cleanComment(utf8Of(rawComment))
    return { version: version === "2" ? 2 : 3, type, encrypted, comment, rawComment, publicBlob, secret, kdf, mac }
  })

const hex = (text: string): Read<Uint8Array> =>
  text.length % 2 === 0 && /^[0-9a-fA-F]+$/.test(text)
    ? Result.succeed(Buffer.from(text, "hex"))
    : Result.fail(unreadable("its salt is not hexadecimal"))

/** What the passphrase becomes. */
interface Material {
  readonly key: Uint8Array
  readonly iv: Uint8Array
  readonly macKey: Uint8Array
}

const none = new Uint8Array(0)

const v2MacKey = (passphrase: Uint8Array): Uint8Array => sha1(Buffer.from("putty-private-key-file-mac-key"), passphrase)

const materialOf = Effect.fnUntraced(function* (
  file: PpkFile,
  passphrase: Uint8Array | undefined
): Effect.fn.Return<Material, Fault> {
  if (!file.encrypted) return { key: none, iv: none, macKey: file.version === 2 ? v2MacKey(none) : none }
  if (passphrase === undefined) return yield* Effect.fail(passphraseMissing)
  if (file.kdf !== undefined) return yield* argon2Material(file.kdf, passphrase)
  const stream = Buffer.concat([0, 1].map((counter) => sha1(Buffer.of(0, 0, 0, counter), passphrase)))
  return { key: stream.subarray(0, 32), iv: new Uint8Array(16), macKey: v2MacKey(passphrase) }
})

const argon2Material = (kdf: KdfHeaders, passphrase: Uint8Array): Effect.Effect<Material, Fault> =>
  Effect.map(PassphraseKey.argon2({ ...kdf, passphrase, length: 80 }), (bytes) => ({
    key: bytes.subarray(0, 32),
    iv: bytes.subarray(32, 48),
    macKey: bytes.subarray(48)
  }))

const sha1 = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const hash = Crypto.createHash("sha1")
  for (const part of parts) hash.update(part)
  return hash.digest()
}

const macOf = (
  version: 2 | 3,
  macKey: Uint8Array,
  covered: readonly [type: string, encryption: string, comment: Uint8Array, publicBlob: Uint8Array, secret: Uint8Array]
): string =>
  Crypto.createHmac(version === 2 ? "sha1" : "sha256", macKey)
    .update(Buffer.concat(covered.map(string)))
    .digest("hex")

export const decode = Effect.fnUntraced(function* (
  file: PpkFile,
  passphrase: Uint8Array | undefined
): Effect.fn.Return<KeyPair, Fault> {
  const numbers = yield* Effect.fromResult(readUsableBlob(file.publicBlob))
  if (numbers.type !== file.type) return yield* Effect.fail(unreadable("its first line and its public key differ"))
  const { iv, key, macKey } = yield* materialOf(file, passphrase)
  const secret = file.encrypted
    ? yield* Effect.fromResult(unwrapped("aes-256-cbc", key, iv, file.secret, { padded: false }))
    : file.secret
  const encryption = file.encrypted ? "aes256-cbc" : "none"
  const comment = Buffer.from(file.rawComment, "latin1")
  if (
    macOf(file.version, macKey, [file.type, encryption, comment, file.publicBlob, secret]) !== file.mac.toLowerCase()
  ) {
    return yield* Effect.fail(
      file.encrypted ? passphraseWrong : unreadable("its MAC doesn't match: it was changed or damaged")
    )
  }
  return yield* Effect.fromResult(Result.flatMap(readSecret(numbers, new WireReader(secret)), keyPair))
})

/** What follows is padding of no fixed content. */
const readSecret = (numbers: PublicNumbers, reader: WireReader): Read<PrivateNumbers> =>
  Result.gen(function* () {
    switch (numbers.type) {
      case "ssh-ed25519": {
        // To PuTTY the seed is a little-endian number, so zeros at its end may be left out.
        const seed = yield* reader.string()
        if (seed.length > 32) return yield* Result.fail(unreadable("its Ed25519 private key is too long"))
        return { ...numbers, seed: Buffer.concat([seed, Buffer.alloc(32 - seed.length)]) }
      }
      case "ssh-rsa": {
        const d = yield* reader.mpint()
        const p = yield* reader.mpint()
        const q = yield* reader.mpint()
        return { ...numbers, d, p, q, iqmp: yield* reader.mpint() }
      }
      default:
        return { ...numbers, scalar: yield* reader.mpint() }
    }
  })

const writeSecret = (numbers: PrivateNumbers): Uint8Array => {
  switch (numbers.type) {
    case "ssh-ed25519":
      return string(numbers.seed)
    case "ssh-rsa":
      return Buffer.concat([numbers.d, numbers.p, numbers.q, numbers.iqmp].map(mpint))
    default:
      return mpint(numbers.scalar)
  }
}

/** Version 3; encrypted with the parameters that PuTTY itself starts from. */
export const encode = Effect.fnUntraced(function* (
  privateKey: Crypto.KeyObject,
  comment: string,
  passphrase: Uint8Array | undefined
): Effect.fn.Return<string, Fault> {
  const numbers = yield* Effect.fromResult(numbersOf(privateKey))
  const blob = publicBlob(numbers)
  const secret = writeSecret(numbers)
  const covered = (encryption: string, bytes: Uint8Array) =>
    [numbers.type, encryption, Buffer.from(comment, "utf8"), blob, bytes] as const
  const file = (encryption: string, kdf: ReadonlyArray<string>, stored: Uint8Array, mac: string) =>
    [
      `${ppkMark}3: ${numbers.type}`,
      `Encryption: ${encryption}`,
      `Comment: ${comment}`,
      ...lineBlock("Public-Lines", blob),
      ...kdf,
      ...lineBlock("Private-Lines", stored),
      `Private-MAC: ${mac}`,
      ""
    ].join("\n")
  if (passphrase === undefined) return file("none", [], secret, macOf(3, none, covered("none", secret)))

  const salt = Crypto.randomBytes(16)
  const kdf: KdfHeaders = { flavour: "argon2id", memory: 8192, passes: 13, parallelism: 1, salt }
  const { iv, key, macKey } = yield* argon2Material(kdf, passphrase)
  const padded = Buffer.concat([secret, sha1(secret).subarray(0, (16 - (secret.length % 16)) % 16)])
  return file(
    "aes256-cbc",
    [
      "Key-Derivation: Argon2id",
      `Argon2-Memory: ${kdf.memory}`,
      `Argon2-Passes: ${kdf.passes}`,
      `Argon2-Parallelism: ${kdf.parallelism}`,
      `Argon2-Salt: ${salt.toString("hex")}`
    ],
    encrypt("aes-256-cbc", key, iv, padded),
    macOf(3, macKey, covered("aes256-cbc", padded))
  )
})

const lineBlock = (name: string, bytes: Uint8Array): ReadonlyArray<string> => {
  const lines = wrapped(bytes, 64)
  return [`${name}: ${lines.length}`, ...lines]
}
