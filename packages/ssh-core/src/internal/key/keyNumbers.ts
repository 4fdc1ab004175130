/**
 * The numbers that a key consists of, between the file formats on one side and Node's `KeyObject` on the other.
 * All are big-endian without leading zeros, except Ed25519's, which are 32 bytes as RFC 8032 has them.
 */
import { Result } from "effect"
import * as Crypto from "node:crypto"
import { attempt, type Fault, type Read, unreadable, unsupported } from "./fault.ts"
import { mpint, string, type WireReader, withoutLeadingZeros } from "./sshWire.ts"

const curves = {
  "ecdsa-sha2-nistp256": { name: "nistp256", jwk: "P-256", bytes: 32, bits: 256 },
  "ecdsa-sha2-nistp384": { name: "nistp384", jwk: "P-384", bytes: 48, bits: 384 },
  "ecdsa-sha2-nistp521": { name: "nistp521", jwk: "P-521", bytes: 66, bits: 521 }
} as const

type EcdsaType = keyof typeof curves

export type KeyType = "ssh-ed25519" | "ssh-rsa" | EcdsaType

export type PublicNumbers =
  | { readonly type: "ssh-ed25519"; readonly point: Uint8Array }
  | { readonly type: EcdsaType; readonly point: Uint8Array }
  | { readonly type: "ssh-rsa"; readonly n: Uint8Array; readonly e: Uint8Array }

export type PrivateNumbers =
  | { readonly type: "ssh-ed25519"; readonly point: Uint8Array; readonly seed: Uint8Array }
  | { readonly type: EcdsaType; readonly point: Uint8Array; readonly scalar: Uint8Array }
  | {
      readonly type: "ssh-rsa"
      readonly n: Uint8Array
      readonly e: Uint8Array
      readonly d: Uint8Array
      readonly p: Uint8Array
      readonly q: Uint8Array
      readonly iqmp: Uint8Array
    }

/** A private key that is known to work, with its public half in the form that SSH sends. */
export interface KeyPair {
  readonly type: KeyType
  readonly bits: number
  readonly blob: Uint8Array
  readonly privateKey: Crypto.KeyObject
}

/** OpenSSH's own bounds; the upper one also bounds what a hostile file can make the CPU do. */
export const rsaBits = { min: 1024, max: 16_384 } as const

export const isKeyType = (type: string): type is KeyType =>
  type === "ssh-ed25519" || type === "ssh-rsa" || isEcdsaType(type)

const isEcdsaType = (type: string): type is EcdsaType => Object.hasOwn(curves, type)

const ecdsaTypes = Object.keys(curves).filter(isEcdsaType)

export const bitsOf = (numbers: PublicNumbers): number => {
  switch (numbers.type) {
    case "ssh-ed25519":
      return 256
    case "ssh-rsa":
      return bitLength(numbers.n)
    default:
      return curves[numbers.type].bits
  }
}

const bitLength = (bytes: Uint8Array): number =>
  bytes.length === 0 ? 0 : bytes.length * 8 - Math.clz32(bytes[0] ?? 0) + 24

/** Reads what follows the type in a public key blob (RFC 4253 6.6, RFC 5656 3.1, RFC 8709 4). */
export const readPublicNumbers = (type: KeyType, reader: WireReader): Read<PublicNumbers> =>
  Result.gen(function* () {
    if (type === "ssh-ed25519") {
      const point = yield* reader.string()
      if (point.length !== 32) return yield* Result.fail(unreadable("its Ed25519 public key is not 32 bytes long"))
      return { type, point }
    }
    if (type === "ssh-rsa") {
      const e = yield* reader.mpint()
      const n = yield* reader.mpint()
      return yield* rsaPublic(n, e)
    }
    const curve = yield* reader.text()
    if (curve !== curves[type].name)
      return yield* Result.fail(unreadable("its curve is not the one that its type names"))
    const point = yield* reader.string()
    if (point.length !== 1 + 2 * curves[type].bytes || point[0] !== 4) {
      return yield* Result.fail(unreadable("its ECDSA public key is not an uncompressed point of its curve"))
    }
    return { type, point }
  })

export const rsaPublic = (n: Uint8Array, e: Uint8Array): Read<PublicNumbers> => {
  const bits = bitLength(n)
  return bits < rsaBits.min || bits > rsaBits.max
    ? Result.fail(unsupported(`RSA of ${bits} bits (${rsaBits.min} to ${rsaBits.max} are supported)`))
    : Result.succeed({ type: "ssh-rsa", n, e })
}

/** The numbers as the blob has them, the type in front. */
export const publicBlob = (numbers: PublicNumbers): Uint8Array => {
  switch (numbers.type) {
    case "ssh-ed25519":
      return plain(string(numbers.type), string(numbers.point))
    case "ssh-rsa":
      return plain(string(numbers.type), mpint(numbers.e), mpint(numbers.n))
    default:
      return plain(string(numbers.type), string(curves[numbers.type].name), string(numbers.point))
  }
}

/** Not a view on Node's shared buffer pool, and printed as bytes only. */
const plain = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => Uint8Array.from(Buffer.concat(parts))

export const curveName = (type: EcdsaType): string => curves[type].name

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url")

const leftPadded = (bytes: Uint8Array, length: number): Uint8Array =>
  bytes.length >= length ? bytes : Buffer.concat([Buffer.alloc(length - bytes.length), bytes])

const ecdsaJwk = (type: EcdsaType, point: Uint8Array) => {
  const { bytes, jwk } = curves[type]
  return {
    kty: "EC",
    crv: jwk,
    x: base64url(point.subarray(1, 1 + bytes)),
    y: base64url(point.subarray(1 + bytes))
  }
}

const publicJwk = (numbers: PublicNumbers): Crypto.JsonWebKey => {
  switch (numbers.type) {
    case "ssh-ed25519":
      return { kty: "OKP", crv: "Ed25519", x: base64url(numbers.point) }
    case "ssh-rsa":
      return { kty: "RSA", n: base64url(numbers.n), e: base64url(numbers.e) }
    default:
      return ecdsaJwk(numbers.type, numbers.point)
  }
}

const toBigInt = (bytes: Uint8Array): bigint => BigInt(`0x0${Buffer.from(bytes).toString("hex")}`)

const fromBigInt = (value: bigint): Uint8Array => {
  const hex = value.toString(16)
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), "0"), "hex")
}

const privateJwk = (numbers: PrivateNumbers): Read<Crypto.JsonWebKey> => {
  switch (numbers.type) {
    case "ssh-ed25519":
      return Result.succeed({ ...publicJwk(numbers), d: base64url(numbers.seed) })
    case "ssh-rsa": {
      const [d, p, q] = [toBigInt(numbers.d), toBigInt(numbers.p), toBigInt(numbers.q)]
      // OpenSSL signs in a slower way when these don't hold, and other readers of the key would refuse it.
      const consistent = p > 1n && q > 1n && p * q === toBigInt(numbers.n) && (toBigInt(numbers.iqmp) * q) % p === 1n
      // The slower way takes as long as d is long.
      const bounded = numbers.d.length <= numbers.n.length
      if (!consistent || !bounded) return Result.fail(unpaired)
      return Result.succeed({
        ...publicJwk(numbers),
        d: base64url(numbers.d),
        p: base64url(numbers.p),
        q: base64url(numbers.q),
        dp: base64url(fromBigInt(d % (p - 1n))),
        dq: base64url(fromBigInt(d % (q - 1n))),
        qi: base64url(numbers.iqmp)
      })
    }
    default: {
      const { bytes } = curves[numbers.type]
      if (numbers.scalar.length > bytes) return Result.fail(unpaired)
      return Result.succeed({ ...publicJwk(numbers), d: base64url(leftPadded(numbers.scalar, bytes)) })
    }
  }
}

const unpaired: Fault = unreadable("its private and its public half don't belong together")

/**
 * The key pair of the numbers, after it has signed a probe that the public half verified: a damaged number must not come
 * to light as a server's "permission denied".
 */
export const keyPair = (numbers: PrivateNumbers): Read<KeyPair> =>
  Result.gen(function* () {
    const jwk = yield* privateJwk(numbers)
    const privateKey = yield* attempt(unpaired, () => Crypto.createPrivateKey({ key: jwk, format: "jwk" }))
    return yield* proven(numbers, privateKey)
  })

const proven = (numbers: PublicNumbers, privateKey: Crypto.KeyObject): Read<KeyPair> =>
  Result.flatMap(
    attempt(unpaired, () => {
      const probe = Buffer.from("toehold key pair probe")
      const digest = numbers.type === "ssh-ed25519" ? null : "sha256"
      const publicKey = Crypto.createPublicKey({ key: publicJwk(numbers), format: "jwk" })
      return Crypto.verify(digest, probe, publicKey, Crypto.sign(digest, probe, privateKey))
    }),
    (holds) =>
      holds
        ? Result.succeed({ type: numbers.type, bits: bitsOf(numbers), blob: publicBlob(numbers), privateKey })
        : Result.fail(unpaired)
  )

const opensslCurves = new Set(["prime256v1", "secp384r1", "secp521r1"])

const supported = (key: Crypto.KeyObject): Read<void> => {
  const kind = key.asymmetricKeyType
  if (kind === "ec") {
    const curve = key.asymmetricKeyDetails?.namedCurve
    return opensslCurves.has(curve ?? "")
      ? Result.succeed(undefined)
      : Result.fail(unsupported(`ECDSA on the curve ${curve ?? "that it describes"}`))
  }
  return kind === "rsa" || kind === "ed25519"
    ? Result.succeed(undefined)
    : Result.fail(unsupported(`a key of the type ${kind === "dsa" ? "DSA" : kind}`))
}

/** The key pair of a `KeyObject` that OpenSSL read from PEM or DER. */
export const fromKeyObject = (privateKey: Crypto.KeyObject): Read<KeyPair> =>
  supported(privateKey).pipe(
    Result.flatMap(() => numbersOf(privateKey)),
    Result.flatMap(keyPair)
  )

const exported = (key: Crypto.KeyObject): Read<Crypto.JsonWebKey> =>
  attempt(unreadable("its numbers can't be made out"), () => key.export({ format: "jwk" }))

const decoded = (value: string | undefined): Uint8Array => withoutLeadingZeros(Buffer.from(value ?? "", "base64url"))

const publicOfJwk = (jwk: Crypto.JsonWebKey): Read<PublicNumbers> => {
  if (jwk.kty === "RSA") return rsaPublic(decoded(jwk.n), decoded(jwk.e))
  if (jwk.kty === "OKP") {
    return Result.succeed({ type: "ssh-ed25519", point: Buffer.from(jwk.x ?? "", "base64url") })
  }
  const type = ecdsaTypes.find((candidate) => curves[candidate].jwk === jwk.crv)
  if (type === undefined) return Result.fail(unreadable("its curve is not known"))
  const { bytes } = curves[type]
  const point = Buffer.concat([Buffer.of(4), leftPadded(decoded(jwk.x), bytes), leftPadded(decoded(jwk.y), bytes)])
  return Result.succeed({ type, point })
}

export const numbersOf = (privateKey: Crypto.KeyObject): Read<PrivateNumbers> =>
  Result.gen(function* () {
    const jwk = yield* exported(privateKey)
    const numbers = yield* publicOfJwk(jwk)
    switch (numbers.type) {
      case "ssh-ed25519":
        return { ...numbers, seed: Buffer.from(jwk.d ?? "", "base64url") }
      case "ssh-rsa":
        return { ...numbers, d: decoded(jwk.d), p: decoded(jwk.p), q: decoded(jwk.q), iqmp: decoded(jwk.qi) }
      default:
        return { ...numbers, scalar: decoded(jwk.d) }
    }
  })
