/**
 * Private keys: reading every format that is in use, writing OpenSSH's and PuTTY's, and making new ones.
 *
 * @since 0.1.0
 */
import { Effect, FileSystem, Option, type PlatformError, Redacted, Result } from "effect"
import * as Crypto from "node:crypto"
import { ClientPlatform, type Platform } from "./ClientPlatform.ts"
import { type Fault, isPublic, passphraseMissing, type Read, toSshError, unreadable } from "./internal/key/fault.ts"
import { fromKeyObject, type KeyPair, rsaBits } from "./internal/key/keyNumbers.ts"
import {
  cleanComment,
  isArmoured,
  isPpk,
  isPrivate,
  maxKeyBytes,
  privateArmour,
  textOf
} from "./internal/key/keyText.ts"
import * as OpenSshFormat from "./internal/key/openSshFormat.ts"
import * as PemFormat from "./internal/key/pemFormat.ts"
import * as PpkFormat from "./internal/key/ppkFormat.ts"
import * as PublicText from "./internal/key/publicText.ts"
import * as SshError from "./SshError.ts"
import type { SshPublicKey } from "./SshPublicKey.ts"

/**
 * A private key that is ready to sign. Its two halves are known to belong together.
 *
 * @since 0.1.0
 * @category models
 */
export interface SshKey {
  readonly publicKey: SshPublicKey
  readonly privateKey: Redacted.Redacted<Crypto.KeyObject>
}

/**
 * Where a key comes from, and what opens it. A passphrase for a key that isn't encrypted is ignored; an empty one counts
 * as none. Passphrases are used as UTF-8.
 *
 * @since 0.1.0
 * @category models
 */
export interface ParseOptions {
  /** Named in errors: a path, or a few words such as `the given key`. */
  readonly source: string
  readonly passphrase?: Redacted.Redacted<string> | undefined
}

/**
 * Reads a private key: OpenSSH (`openssh-key-v1`), PEM (PKCS#1, SEC1, PKCS#8) or PuTTY `.ppk` version 2 and 3, of the
 * types Ed25519, RSA and ECDSA on the NIST curves, encrypted or not. Fails with `KeyUnreadable`, `KeyPassphraseMissing`,
 * `KeyPassphraseWrong`, `KeyFormatUnsupported` or `KeyIsPublic`.
 *
 * **Gotchas**
 *
 * The work that a passphrase costs is set by the file. It leaves the event loop free, and a file that asks for more than
 * any honest one is refused as unsupported.
 *
 * @since 0.1.0
 * @category decoding
 */
export const parse = Effect.fn("SshKey.parse")(function* (
  data: Uint8Array | string,
  options: ParseOptions
): Effect.fn.Return<SshKey, SshError.SshError> {
  const passphrase = passphraseBytes(options.passphrase)
  return yield* Effect.fromResult(textOf(data)).pipe(
    Effect.flatMap((text) => decode(text, passphrase)),
    Effect.mapError(toSshError(options.source))
  )
})

const passphraseBytes = (passphrase: Redacted.Redacted<string> | undefined): Uint8Array | undefined => {
  const value = passphrase === undefined ? "" : Redacted.value(passphrase)
  return value === "" ? undefined : Buffer.from(value, "utf8")
}

const decode = Effect.fnUntraced(function* (
  text: string,
  passphrase: Uint8Array | undefined
): Effect.fn.Return<SshKey, Fault> {
  if (isPpk(text)) {
    const file = yield* Effect.fromResult(PpkFormat.open(text))
    return keyOf(yield* PpkFormat.decode(file, passphrase), file.comment)
  }
  if (!isArmoured(text)) {
    yield* Effect.fromResult(PublicText.read(text))
    return yield* Effect.fail(isPublic)
  }
  const armoured = yield* Effect.fromResult(privateArmour(text))
  if (armoured.label === "OPENSSH PRIVATE KEY") {
    const envelope = yield* Effect.fromResult(OpenSshFormat.open(armoured.body))
    const { comment, pair } = yield* OpenSshFormat.decode(envelope, passphrase)
    return keyOf(pair, comment)
  }
  return keyOf(yield* PemFormat.decode(armoured, passphrase), "")
})

const keyOf = (pair: KeyPair, comment: string): SshKey => ({
  publicKey: { type: pair.type, blob: pair.blob, bits: pair.bits, comment, options: "" },
  privateKey: Redacted.make(pair.privateKey, { label: "private key" })
})

/**
 * The public key of a file that holds a private or a public one, without a passphrase: OpenSSH and `.ppk` files carry it
 * in the clear. Fails with `KeyPassphraseMissing` for an encrypted PEM file, which doesn't, and otherwise as
 * {@link parse} does.
 *
 * **Gotchas**
 *
 * The comment of an encrypted OpenSSH key is encrypted too, so it is empty here. Nothing proves that the file's private
 * half belongs to this public key.
 *
 * @since 0.1.0
 * @category decoding
 */
export const publicHalf = (
  data: Uint8Array | string,
  options: { readonly source: string }
): Result.Result<SshPublicKey, SshError.SshError> =>
  Result.mapError(Result.flatMap(textOf(data), readPublicHalf), toSshError(options.source))

const readPublicHalf = (text: string): Read<SshPublicKey> =>
  Result.gen(function* () {
    if (isPpk(text)) {
      const { comment, publicBlob } = yield* PpkFormat.open(text)
      return yield* PublicText.make(publicBlob, comment, "")
    }
    if (!isPrivate(text)) return yield* PublicText.read(text)
    const armoured = yield* privateArmour(text)
    if (armoured.label === "OPENSSH PRIVATE KEY") {
      const envelope = yield* OpenSshFormat.open(armoured.body)
      return yield* PublicText.make(envelope.publicBlob, OpenSshFormat.plainComment(envelope), "")
    }
    if (PemFormat.isEncrypted(armoured)) return yield* Result.fail(passphraseMissing)
    return keyOf(yield* PemFormat.decodePlain(armoured), "").publicKey
  })

/**
 * Reads a private key from a file, at most 64 KiB. Beyond the errors of {@link parse}, a file that can't be read is
 * `KeyUnreadable`, and one of this user's that others may read is `KeyPermissions`, by the rule of `ssh`: not where the
 * file belongs to someone else, and not on Windows, where modes say nothing.
 *
 * **Gotchas**
 *
 * `~` is not expanded. Only regular files are read, and links to them: opening a pipe could wait for ever.
 *
 * @since 0.1.0
 * @category decoding
 */
export const load = Effect.fn("SshKey.load")(function* (
  path: string,
  options?: { readonly passphrase?: Redacted.Redacted<string> | undefined }
): Effect.fn.Return<SshKey, SshError.SshError, FileSystem.FileSystem | ClientPlatform> {
  const platform = yield* ClientPlatform
  const { bytes, info } = yield* readKeyFile(path)
  // Public keys and certificates may be open to all: "chmod 600" would be the wrong advice for them.
  if (isTooOpen(info, platform) && Result.match(textOf(bytes), { onSuccess: isPrivate, onFailure: () => false })) {
    return yield* SshError.make(new SshError.KeyPermissions({ path, mode: info.mode & 0o777 }))
  }
  return yield* parse(bytes, { source: path, passphrase: options?.passphrase })
})

const isTooOpen = (info: FileSystem.File.Info, platform: Platform): boolean =>
  platform.os !== "win32" &&
  platform.uid !== undefined &&
  Option.contains(info.uid, platform.uid) &&
  (info.mode & 0o077) !== 0

/**
 * Reads the public key that belongs to a key file of either kind, without a passphrase: from the file itself, or where
 * it can't be had from that, from the file of the same name with `.pub`, as `ssh` does. Fails as {@link publicHalf} does
 * for the file itself. Permissions don't matter here.
 *
 * @since 0.1.0
 * @category decoding
 */
export const loadPublic = Effect.fn("SshKey.loadPublic")(function* (
  path: string
): Effect.fn.Return<SshPublicKey, SshError.SshError, FileSystem.FileSystem> {
  const own = yield* readPublicFile(path).pipe(Effect.result)
  if (Result.isSuccess(own)) return own.success
  return yield* readPublicFile(`${path}.pub`).pipe(Effect.mapError(() => own.failure))
})

const readPublicFile = Effect.fnUntraced(function* (path: string) {
  const { bytes } = yield* readKeyFile(path)
  return yield* Effect.fromResult(publicHalf(bytes, { source: path }))
})

const readKeyFile = (path: string) => {
  const fail = (detail: string) => Effect.fail(toSshError(path)(unreadable(detail)))
  return Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const { type } = yield* fs.stat(path)
    if (type !== "File") return yield* fail(type === "Directory" ? "it is a folder" : "it is not a regular file")
    const file = yield* fs.open(path)
    const info = yield* file.stat
    const bytes = new Uint8Array(maxKeyBytes + 1)
    let length = 0
    while (length < bytes.length) {
      const count = yield* file.read(bytes.subarray(length))
      if (count === 0) break
      length += count
    }
    return { info, bytes: bytes.subarray(0, length) }
  }).pipe(
    Effect.scoped,
    Effect.catchTag("PlatformError", (error) => fail(inWords(error)))
  )
}

const inWords = ({ reason }: PlatformError.PlatformError): string => {
  switch (reason._tag) {
    case "NotFound":
      return "the file does not exist"
    case "PermissionDenied":
      return "permission denied"
    default:
      return reason.description ?? reason._tag
  }
}

/**
 * @since 0.1.0
 * @category models
 */
export interface GenerateOptions {
  readonly type: "ed25519" | "rsa"
  /** Length of an RSA key: 3072 by default, 2048 to 16384. Ed25519 keys have one length. */
  readonly bits?: number | undefined
  readonly comment?: string | undefined
}

const minGeneratedBits = 2048

/**
 * Makes a new key. Fails with `InvalidArgument` for a length that RSA keys shouldn't or can't have.
 *
 * @since 0.1.0
 * @category constructors
 */
export const generate = Effect.fn("SshKey.generate")(function* (
  options: GenerateOptions
): Effect.fn.Return<SshKey, SshError.SshError> {
  const bits = options.type === "rsa" ? (options.bits ?? 3072) : undefined
  if (bits !== undefined && !(Number.isInteger(bits) && bits >= minGeneratedBits && bits <= rsaBits.max)) {
    return yield* SshError.make(
      new SshError.InvalidArgument({
        argument: "bits",
        detail: `an RSA key of ${bits} bits can't be made`,
        hint: `Give a length from ${minGeneratedBits} to ${rsaBits.max}.`
      })
    )
  }
  const privateKey = yield* Effect.callback<Crypto.KeyObject>((resume) => {
    const done = (error: Error | null, _: Crypto.KeyObject, privateKey: Crypto.KeyObject) =>
      resume(error === null ? Effect.succeed(privateKey) : Effect.die(error))
    if (bits === undefined) Crypto.generateKeyPair("ed25519", undefined, done)
    else Crypto.generateKeyPair("rsa", { modulusLength: bits }, done)
  })
  const pair = yield* Effect.fromResult(fromKeyObject(privateKey)).pipe(Effect.mapError(toSshError("the new key")))
  return keyOf(pair, cleanComment(options.comment ?? ""))
})

/**
 * The key as an OpenSSH private key file (`openssh-key-v1`), which `ssh2` takes as well. With a passphrase it is encrypted
 * with aes256-ctr and bcrypt, in `rounds` rounds (24 by default, as `ssh-keygen`). Fails with `InvalidArgument` for an
 * empty passphrase: a variable that turned out empty must not make an unprotected file.
 *
 * @since 0.1.0
 * @category encoding
 */
export const toOpenSsh = Effect.fn("SshKey.toOpenSsh")(function* (
  key: SshKey,
  options?: { readonly passphrase?: Redacted.Redacted<string> | undefined; readonly rounds?: number | undefined }
): Effect.fn.Return<Redacted.Redacted<string>, SshError.SshError> {
  const passphrase = yield* newPassphrase(options?.passphrase)
  const encryption = passphrase === undefined ? undefined : { passphrase, rounds: options?.rounds ?? 24 }
  return yield* OpenSshFormat.encode(Redacted.value(key.privateKey), key.publicKey.comment, encryption).pipe(
    Effect.map((text) => Redacted.make(text, { label: "private key" })),
    Effect.mapError(toSshError("to be written"))
  )
})

/**
 * The key as a PuTTY key file of version 3 (PuTTY 0.75 and later). With a passphrase it is encrypted with aes256-cbc and
 * Argon2id. Fails with `InvalidArgument` for an empty passphrase.
 *
 * @since 0.1.0
 * @category encoding
 */
export const toPpk = Effect.fn("SshKey.toPpk")(function* (
  key: SshKey,
  options?: { readonly passphrase?: Redacted.Redacted<string> | undefined }
): Effect.fn.Return<Redacted.Redacted<string>, SshError.SshError> {
  const passphrase = yield* newPassphrase(options?.passphrase)
  return yield* PpkFormat.encode(Redacted.value(key.privateKey), key.publicKey.comment, passphrase).pipe(
    Effect.map((text) => Redacted.make(text, { label: "private key" })),
    Effect.mapError(toSshError("to be written"))
  )
})

const newPassphrase = (passphrase: Redacted.Redacted<string> | undefined) => {
  const bytes = passphraseBytes(passphrase)
  return passphrase !== undefined && bytes === undefined
    ? Effect.fail(SshError.make(new SshError.InvalidArgument({ argument: "passphrase", detail: "it is empty" })))
    : Effect.succeed(bytes)
}
