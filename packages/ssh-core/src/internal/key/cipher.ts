/** The symmetric ciphers that key files are encrypted with. */
import { Effect, Result } from "effect"
import * as Crypto from "node:crypto"
import { attempt, type Fault, passphraseWrong, type Read, unsupported } from "./fault.ts"

export interface Cipher {
  readonly name: string
  /** What OpenSSL calls it. */
  readonly algorithm: string
  readonly keyLength: number
  readonly ivLength: number
  /** Length that the plaintext is padded to. */
  readonly blockLength: number
  readonly tagLength: number
}

const openSshCipher = (
  name: string,
  algorithm: string,
  keyLength: number,
  ivLength = 16,
  blockLength = 16,
  tagLength = 0
): Cipher => ({
  name,
  algorithm,
  keyLength,
  ivLength,
  blockLength,
  tagLength
})

/** What `ssh-keygen` encrypts with. */
export const aes256Ctr: Cipher = openSshCipher("aes256-ctr", "aes-256-ctr", 32)

const chachaPoly = openSshCipher("chacha20-poly1305@openssh.com", "", 64, 0, 8, 16)

/** By the name that OpenSSH's cipher.c gives them. */
const openSshCiphers: ReadonlyArray<Cipher> = [
  aes256Ctr,
  openSshCipher("aes192-ctr", "aes-192-ctr", 24),
  openSshCipher("aes128-ctr", "aes-128-ctr", 16),
  openSshCipher("aes256-cbc", "aes-256-cbc", 32),
  openSshCipher("aes192-cbc", "aes-192-cbc", 24),
  openSshCipher("aes128-cbc", "aes-128-cbc", 16),
  openSshCipher("rijndael-cbc@lysator.liu.se", "aes-256-cbc", 32),
  openSshCipher("aes256-gcm@openssh.com", "aes-256-gcm", 32, 12, 16, 16),
  openSshCipher("aes128-gcm@openssh.com", "aes-128-gcm", 16, 12, 16, 16),
  openSshCipher("3des-cbc", "des-ede3-cbc", 24, 8, 8),
  chachaPoly
]

/** The cipher of an OpenSSH key file. */
export const openSsh = (name: string): Read<Cipher> => {
  const cipher = openSshCiphers.find((candidate) => candidate.name === name)
  return cipher === undefined ? Result.fail(unsupported(`encrypted with the cipher ${name}`)) : Result.succeed(cipher)
}

/** Splits what the KDF gave: the key, then the IV. */
export const keyAndIv = (cipher: Cipher, material: Uint8Array): readonly [key: Uint8Array, iv: Uint8Array] => [
  material.subarray(0, cipher.keyLength),
  material.subarray(cipher.keyLength)
]

/** Decrypts without looking at padding; a tag that doesn't match is a wrong passphrase. */
export const decrypt = (
  cipher: Cipher,
  material: Uint8Array,
  data: Uint8Array,
  tag: Uint8Array
): Effect.Effect<Uint8Array, Fault> => {
  if (cipher === chachaPoly) return decryptChachaPoly(material, data, tag)
  const [key, iv] = keyAndIv(cipher, material)
  return Effect.fromResult(unwrapped(cipher.algorithm, key, iv, data, { padded: false, tag }))
}

/** Encrypts data that is padded already. */
export const encrypt = (algorithm: string, key: Uint8Array, iv: Uint8Array, data: Uint8Array): Uint8Array => {
  const driver = Crypto.createCipheriv(algorithm, key, iv).setAutoPadding(false)
  return Buffer.concat([driver.update(data), driver.final()])
}

/** Decrypts with an algorithm by its OpenSSL name. */
export const unwrapped = (
  algorithm: string,
  key: Uint8Array,
  iv: Uint8Array,
  data: Uint8Array,
  options: { readonly padded: boolean; readonly tag?: Uint8Array }
): Read<Uint8Array> =>
  Result.gen(function* () {
    // OpenSSL 3 keeps old ciphers in a provider that may not be loaded.
    if (!Crypto.getCiphers().includes(algorithm)) {
      return yield* Result.fail(unsupported(`encrypted with ${algorithm}, which this Node.js was built without`))
    }
    return yield* attempt(passphraseWrong, () => {
      const driver = Crypto.createDecipheriv(algorithm, key, iv).setAutoPadding(options.padded)
      // Only GCM has tags here; the type of the driver can't follow from a name that is a variable.
      if (options.tag !== undefined && options.tag.length > 0) (driver as Crypto.DecipherGCM).setAuthTag(options.tag)
      return Buffer.concat([driver.update(data), driver.final()])
    })
  })

/** OpenSSH's construction (PROTOCOL.chacha20poly1305), with packet number 0 and without the length cipher. */
const decryptChachaPoly = Effect.fnUntraced(function* (key: Uint8Array, data: Uint8Array, tag: Uint8Array) {
  const { chacha20orig } = yield* Effect.promise(() => import("@noble/ciphers/chacha.js"))
  const { poly1305 } = yield* Effect.promise(() => import("@noble/ciphers/_poly1305.js"))
  const main = key.slice(0, 32)
  const nonce = new Uint8Array(8)
  const macKey = chacha20orig(main, nonce, new Uint8Array(32))
  if (!Crypto.timingSafeEqual(poly1305(Uint8Array.from(data), macKey), tag)) return yield* Effect.fail(passphraseWrong)
  return chacha20orig(main, nonce, Uint8Array.from(data), undefined, 1)
})
