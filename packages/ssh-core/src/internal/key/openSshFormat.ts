/** `openssh-key-v1`, as PROTOCOL.key of OpenSSH describes it. */
import { Effect, Result } from "effect"
import * as Crypto from "node:crypto"
import * as Cipher from "./cipher.ts"
import { type Fault, passphraseMissing, passphraseWrong, type Read, unreadable, unsupported } from "./fault.ts"
import { cleanComment, wrapped } from "./keyText.ts"
import {
  curveName,
  type KeyPair,
  keyPair,
  numbersOf,
  type PrivateNumbers,
  publicBlob,
  type PublicNumbers
} from "./keyNumbers.ts"
import * as PassphraseKey from "./passphraseKey.ts"
import { readUsableBlob } from "./publicBlob.ts"
import { mpint, string, uint32, WireReader } from "./sshWire.ts"

const magic = Buffer.from("openssh-key-v1\0")

export interface Envelope {
  readonly cipher: string
  readonly kdf: string
  readonly kdfOptions: Uint8Array
  readonly publicBlob: Uint8Array
  readonly secret: Uint8Array
  readonly tag: Uint8Array
}

/** Reads everything that needs no passphrase. */
export const open = (body: Uint8Array): Read<Envelope> =>
  Result.gen(function* () {
    const reader = new WireReader(body)
    const start = yield* reader.take(magic.length)
    if (!magic.equals(start)) return yield* Result.fail(unreadable("it doesn't begin with openssh-key-v1"))
    const cipher = yield* reader.text()
    const kdf = yield* reader.text()
    const kdfOptions = yield* reader.string()
    const count = yield* reader.uint32()
    if (count !== 1) return yield* Result.fail(unsupported(`an OpenSSH file with ${count} keys in it`))
    const publicBlob = yield* reader.string()
    const secret = yield* reader.string()
    const tag = yield* reader.take(reader.remaining)
    return { cipher, kdf, kdfOptions, publicBlob, secret, tag }
  })

export interface Opened {
  readonly pair: KeyPair
  readonly comment: string
}

/** Reads the private part, once it is in the clear. */
export const read = ({ cipher, publicBlob }: Envelope, plain: Uint8Array): Read<Opened> =>
  Result.gen(function* () {
    const numbers = yield* readUsableBlob(publicBlob)
    const reader = new WireReader(plain)
    const check = yield* reader.uint32()
    if (check !== (yield* reader.uint32())) {
      return yield* Result.fail(cipher === "none" ? unreadable("its private part is damaged") : passphraseWrong)
    }
    const type = yield* reader.text()
    if (type !== numbers.type) return yield* Result.fail(unreadable("its two halves are of different types"))
    const secret = yield* readSecret(numbers, reader)
    const comment = yield* reader.text()
    const padding = yield* reader.take(reader.remaining)
    if (!padding.every((byte, index) => byte === ((index + 1) & 0xff))) {
      return yield* Result.fail(unreadable("its padding is damaged"))
    }
    return { pair: yield* keyPair(secret), comment: cleanComment(comment) }
  })

/** The comment, where no passphrase hides it. */
export const plainComment = (envelope: Envelope): string =>
  envelope.cipher === "none"
    ? Result.match(read(envelope, envelope.secret), { onSuccess: ({ comment }) => comment, onFailure: () => "" })
    : ""

export const decode = Effect.fnUntraced(function* (
  envelope: Envelope,
  passphrase: Uint8Array | undefined
): Effect.fn.Return<Opened, Fault> {
  // A type that can't be used is named before a passphrase is asked for.
  yield* Effect.fromResult(readUsableBlob(envelope.publicBlob))
  const plain = yield* unlocked(envelope, passphrase)
  return yield* Effect.fromResult(read(envelope, plain))
})

const unlocked = Effect.fnUntraced(function* (envelope: Envelope, passphrase: Uint8Array | undefined) {
  const { cipher: name, kdf, kdfOptions, secret, tag } = envelope
  if (name === "none" && kdf === "none") return secret
  const cipher = yield* Effect.fromResult(Cipher.openSsh(name))
  if (kdf !== "bcrypt") return yield* Effect.fail(unsupported(`encrypted with a key from the KDF ${kdf}`))
  if (tag.length !== cipher.tagLength || secret.length === 0 || secret.length % cipher.blockLength !== 0) {
    return yield* Effect.fail(unreadable("its encrypted part has a wrong length"))
  }
  if (passphrase === undefined) return yield* Effect.fail(passphraseMissing)
  const options = new WireReader(kdfOptions)
  const salt = yield* Effect.fromResult(options.string())
  const rounds = yield* Effect.fromResult(options.uint32())
  const length = cipher.keyLength + cipher.ivLength
  const material = yield* PassphraseKey.bcrypt({ passphrase, salt, rounds, length })
  return yield* Cipher.decrypt(cipher, material, secret, tag)
})

/** The public numbers stand in this part a second time, between the private ones. */
const readSecret = (numbers: PublicNumbers, reader: WireReader): Read<PrivateNumbers> =>
  Result.gen(function* () {
    switch (numbers.type) {
      case "ssh-ed25519": {
        yield* reader.string()
        const secret = yield* reader.string()
        return secret.length === 64
          ? { ...numbers, seed: secret.subarray(0, 32) }
          : yield* Result.fail(unreadable("its Ed25519 private key is not 64 bytes long"))
      }
      case "ssh-rsa": {
        yield* reader.mpint()
        yield* reader.mpint()
        const d = yield* reader.mpint()
        const iqmp = yield* reader.mpint()
        const p = yield* reader.mpint()
        const q = yield* reader.mpint()
        return { ...numbers, d, iqmp, p, q }
      }
      default: {
        yield* reader.string()
        yield* reader.string()
        return { ...numbers, scalar: yield* reader.mpint() }
      }
    }
  })

export const encode = Effect.fnUntraced(function* (
  privateKey: Crypto.KeyObject,
  comment: string,
  encryption: { readonly passphrase: Uint8Array; readonly rounds: number } | undefined
) {
  const numbers = yield* Effect.fromResult(numbersOf(privateKey))
  const check = Crypto.randomBytes(4)
  const plain = padded(
    Buffer.concat([check, check, string(numbers.type), writeSecret(numbers), string(comment)]),
    encryption === undefined ? 8 : Cipher.aes256Ctr.blockLength
  )
  const blob = string(publicBlob(numbers))
  if (encryption === undefined) {
    return armoured([string("none"), string("none"), string(""), uint32(1), blob, string(plain)])
  }
  const salt = Crypto.randomBytes(16)
  const cipher = Cipher.aes256Ctr
  const { passphrase, rounds } = encryption
  const material = yield* PassphraseKey.bcrypt({
    passphrase,
    salt,
    rounds,
    length: cipher.keyLength + cipher.ivLength
  })
  const kdfOptions = Buffer.concat([string(salt), uint32(rounds)])
  const [key, iv] = Cipher.keyAndIv(cipher, material)
  const locked = string(Cipher.encrypt(cipher.algorithm, key, iv, plain))
  return armoured([string(cipher.name), string("bcrypt"), string(kdfOptions), uint32(1), blob, locked])
})

const writeSecret = (numbers: PrivateNumbers): Uint8Array => {
  switch (numbers.type) {
    case "ssh-ed25519":
      return Buffer.concat([string(numbers.point), string(Buffer.concat([numbers.seed, numbers.point]))])
    case "ssh-rsa":
      return Buffer.concat([numbers.n, numbers.e, numbers.d, numbers.iqmp, numbers.p, numbers.q].map(mpint))
    default:
      return Buffer.concat([string(curveName(numbers.type)), string(numbers.point), mpint(numbers.scalar)])
  }
}

const padded = (bytes: Uint8Array, blockLength: number): Uint8Array => {
  const missing = (blockLength - (bytes.length % blockLength)) % blockLength
  return Buffer.concat([bytes, Uint8Array.from({ length: missing }, (_, index) => index + 1)])
}

const armoured = (parts: ReadonlyArray<Uint8Array>): string =>
  [
    "-----BEGIN OPENSSH PRIVATE KEY-----",
    ...wrapped(Buffer.concat([magic, ...parts]), 70),
    "-----END OPENSSH PRIVATE KEY-----",
    ""
  ].join("\n")
