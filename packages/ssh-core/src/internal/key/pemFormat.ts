/** Private keys in PEM: PKCS#1, SEC1 and PKCS#8, encrypted in the ways that OpenSSL encrypts them. */
import { Effect, Result } from "effect"
import * as Crypto from "node:crypto"
import { unwrapped } from "./cipher.ts"
import { DerReader } from "./der.ts"
import { attempt, type Fault, passphraseMissing, passphraseWrong, type Read, unreadable, unsupported } from "./fault.ts"
import type { PemArmour, PemLabel } from "./keyText.ts"
import { fromKeyObject, type KeyPair } from "./keyNumbers.ts"
import * as PassphraseKey from "./passphraseKey.ts"

const structures = {
  "RSA PRIVATE KEY": "pkcs1",
  "EC PRIVATE KEY": "sec1",
  "PRIVATE KEY": "pkcs8",
  "ENCRYPTED PRIVATE KEY": "pkcs8"
} as const

/** Whether there is nothing to be learnt from it without a passphrase. */
export const isEncrypted = ({ headers, label }: PemArmour): boolean =>
  label === "ENCRYPTED PRIVATE KEY" || headers.get("proc-type") === "4,ENCRYPTED"

/** A key that is not encrypted. */
export const decodePlain = ({ body, label }: PemArmour): Read<KeyPair> =>
  Result.flatMap(keyObject(label, body, unreadable("its content is damaged")), fromKeyObject)

const keyObject = (label: PemLabel, der: Uint8Array, fault: Fault): Read<Crypto.KeyObject> =>
  attempt(fault, () => Crypto.createPrivateKey({ key: Buffer.from(der), format: "der", type: structures[label] }))

export const decode = Effect.fnUntraced(function* (
  armour: PemArmour,
  passphrase: Uint8Array | undefined
): Effect.fn.Return<KeyPair, Fault> {
  if (!isEncrypted(armour)) return yield* Effect.fromResult(decodePlain(armour))
  if (passphrase === undefined) return yield* Effect.fail(passphraseMissing)
  const { body, headers, label } = armour
  const der =
    label === "ENCRYPTED PRIVATE KEY"
      ? yield* decryptPkcs8(body, passphrase)
      : yield* Effect.fromResult(decryptLegacy(body, headers.get("dek-info") ?? "", passphrase))
  // One wrong passphrase in 256 leaves what looks like valid padding, and noise before it.
  return yield* Effect.fromResult(Result.flatMap(keyObject(label, der, passphraseWrong), fromKeyObject))
})

const legacyCiphers: Readonly<Record<string, readonly [algorithm: string, keyLength: number, ivLength: number]>> = {
  "AES-128-CBC": ["aes-128-cbc", 16, 16],
  "AES-192-CBC": ["aes-192-cbc", 24, 16],
  "AES-256-CBC": ["aes-256-cbc", 32, 16],
  "DES-EDE3-CBC": ["des-ede3-cbc", 24, 8]
}

/** RFC 1421 encryption with OpenSSL's EVP_BytesToKey: one MD5 per 16 bytes of key. */
const decryptLegacy = (data: Uint8Array, dekInfo: string, passphrase: Uint8Array): Read<Uint8Array> =>
  Result.gen(function* () {
    const [name = "", ivHex = ""] = dekInfo.split(",")
    const cipher = Object.hasOwn(legacyCiphers, name.trim()) ? legacyCiphers[name.trim()] : undefined
    if (cipher === undefined) return yield* Result.fail(unsupported(`encrypted with the cipher ${name}`))
    const [algorithm, keyLength, ivLength] = cipher
    const iv = Buffer.from(ivHex.trim(), "hex")
    if (iv.length !== ivLength) return yield* Result.fail(unreadable("its DEK-Info line is damaged"))
    const salt = iv.subarray(0, 8)
    const blocks: Array<Uint8Array> = []
    for (let have = 0; have < keyLength; have += 16) {
      const previous = blocks.at(-1) ?? new Uint8Array(0)
      blocks.push(Crypto.createHash("md5").update(previous).update(passphrase).update(salt).digest())
    }
    const key = Buffer.concat(blocks).subarray(0, keyLength)
    return yield* unwrapped(algorithm, key, iv, data, { padded: true })
  })

const oids = { pbes2: "2a864886f70d01050d", pbkdf2: "2a864886f70d01050c", scrypt: "2b06010401da47040b" } as const

/** The pseudo-random functions of PBKDF2 (RFC 8018, appendix B.1). */
const digests: Readonly<Record<string, string>> = {
  "2a864886f70d0207": "sha1",
  "2a864886f70d0208": "sha224",
  "2a864886f70d0209": "sha256",
  "2a864886f70d020a": "sha384",
  "2a864886f70d020b": "sha512"
}

const pbes2Ciphers: Readonly<Record<string, readonly [algorithm: string, keyLength: number]>> = {
  "60864801650304012a": ["aes-256-cbc", 32],
  "608648016503040116": ["aes-192-cbc", 24],
  "608648016503040102": ["aes-128-cbc", 16],
  "2a864886f70d0307": ["des-ede3-cbc", 24]
}

/** EncryptedPrivateKeyInfo (RFC 5958 section 3) with PBES2 (RFC 8018 section 6.2). */
const decryptPkcs8 = Effect.fnUntraced(function* (body: Uint8Array, passphrase: Uint8Array) {
  const { algorithm, data, iv, key } = yield* Effect.fromResult(readPkcs8(body, passphrase))
  return yield* Effect.fromResult(unwrapped(algorithm, yield* key, iv, data, { padded: true }))
})

const readPkcs8 = (body: Uint8Array, passphrase: Uint8Array) =>
  Result.gen(function* () {
    const info = yield* new DerReader(body).sequence()
    const scheme = yield* info.sequence()
    const schemeOid = yield* scheme.oid()
    if (schemeOid !== oids.pbes2) {
      return yield* Result.fail(unsupported(`PKCS#8 encrypted with the scheme of OID (hex) ${schemeOid}, not PBES2`))
    }
    const parameters = yield* scheme.sequence()
    const kdf = yield* parameters.sequence()
    const encryption = yield* parameters.sequence()
    const cipherOid = yield* encryption.oid()
    const cipher = Object.hasOwn(pbes2Ciphers, cipherOid) ? pbes2Ciphers[cipherOid] : undefined
    if (cipher === undefined) {
      return yield* Result.fail(unsupported(`PKCS#8 encrypted with the cipher of OID (hex) ${cipherOid}`))
    }
    const [algorithm, length] = cipher
    const iv = yield* encryption.octets()
    const key = yield* readKdf(kdf, passphrase, length)
    return { algorithm, iv, key, data: yield* info.octets() }
  })

/** The derivation that the parameters ask for, not yet run. */
const readKdf = (kdf: DerReader, passphrase: Uint8Array, length: number): Read<Effect.Effect<Uint8Array, Fault>> =>
  Result.gen(function* () {
    const oid = yield* kdf.oid()
    if (oid !== oids.pbkdf2 && oid !== oids.scrypt) {
      return yield* Result.fail(unsupported(`PKCS#8 encrypted with a key from the KDF of OID (hex) ${oid}`))
    }
    const parameters = yield* kdf.sequence()
    const salt = yield* parameters.octets()
    if (oid === oids.scrypt) {
      const cost = yield* parameters.integer()
      const blockSize = yield* parameters.integer()
      const parallelism = yield* parameters.integer()
      return PassphraseKey.scrypt({ passphrase, salt, cost, blockSize, parallelism, length })
    }
    const iterations = yield* parameters.integer()
    if (parameters.has("integer")) yield* parameters.integer()
    const prf = parameters.has("sequence") ? yield* (yield* parameters.sequence()).oid() : "2a864886f70d0207"
    const digest = Object.hasOwn(digests, prf) ? digests[prf] : undefined
    if (digest === undefined) return yield* Result.fail(unsupported(`PBKDF2 with the function of OID (hex) ${prf}`))
    return PassphraseKey.pbkdf2({ passphrase, salt, iterations, digest, length })
  })
