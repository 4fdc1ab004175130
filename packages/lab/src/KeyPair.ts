/**
 * Throw-away SSH key pairs, made without `ssh-keygen` so that a server can be started where there is none.
 *
 * @since 0.1.0
 */
import { Effect } from "effect"
import * as Crypto from "node:crypto"
import { promisify } from "node:util"
import { LabError } from "./LabError.ts"

/**
 * Kinds of key: Ed25519, ECDSA on the curve P-256, RSA of 2048 bits.
 *
 * @since 0.1.0
 * @category models
 */
export type KeyType = "ed25519" | "ecdsa" | "rsa"

/**
 * One key pair, in the forms that files, servers and assertions need.
 *
 * @since 0.1.0
 * @category models
 */
export interface KeyPair {
  readonly type: KeyType
  /** The key type's name on the wire: `ssh-ed25519`, `ecdsa-sha2-nistp256` or `ssh-rsa`. */
  readonly algorithm: string
  /** Private key in OpenSSH's format, not encrypted. */
  readonly privateKey: string
  /** One line of a `.pub` or `authorized_keys` file, without a line end. */
  readonly publicKey: string
  /** The public key as sent on the wire (RFC 4253, section 6.6). */
  readonly blob: Buffer
  /** `SHA256:` and unpadded base64, as `ssh-keygen -l` prints it. */
  readonly fingerprint: string
}

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

const string = (value: Buffer | string): Buffer => {
  const bytes = Buffer.from(value)
  return Buffer.concat([uint32(bytes.length), bytes])
}

/** RFC 4251, section 5: no needless leading zeros, and one zero before a set high bit. */
const mpint = (value: Buffer): Buffer => {
  const first = value.findIndex((byte) => byte !== 0)
  const digits = first === -1 ? Buffer.alloc(0) : value.subarray(first)
  return string(digits.length > 0 && (digits[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), digits]) : digits)
}

interface Encoded {
  readonly algorithm: string
  readonly blob: Buffer
  readonly secret: Buffer
}

const encode = (type: KeyType, key: Crypto.KeyObject): Encoded => {
  const jwk = key.export({ format: "jwk" })
  const field = (name: string): Buffer => Buffer.from(String(jwk[name]), "base64url")
  switch (type) {
    case "ed25519": {
      const algorithm = "ssh-ed25519"
      const shared = Buffer.concat([string(algorithm), string(field("x"))])
      return {
        algorithm,
        blob: shared,
        secret: Buffer.concat([shared, string(Buffer.concat([field("d"), field("x")]))])
      }
    }
    case "ecdsa": {
      const algorithm = "ecdsa-sha2-nistp256"
      const point = Buffer.concat([Buffer.from([4]), field("x"), field("y")])
      const shared = Buffer.concat([string(algorithm), string("nistp256"), string(point)])
      return { algorithm, blob: shared, secret: Buffer.concat([shared, mpint(field("d"))]) }
    }
    case "rsa": {
      const algorithm = "ssh-rsa"
      const numbers = (...names: ReadonlyArray<string>) => names.map((name) => mpint(field(name)))
      return {
        algorithm,
        blob: Buffer.concat([string(algorithm), ...numbers("e", "n")]),
        secret: Buffer.concat([string(algorithm), ...numbers("n", "e", "d", "qi", "p", "q")])
      }
    }
  }
}

/** The container that OpenSSH's PROTOCOL.key describes, with the cipher `none`. */
const armour = (encoded: Encoded, comment: string): string => {
  const check = Crypto.randomBytes(4)
  const secret = Buffer.concat([check, check, encoded.secret, string(comment)])
  const padding = Buffer.from(Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, index) => index + 1))
  const body = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    string("none"),
    string("none"),
    string(""),
    uint32(1),
    string(encoded.blob),
    string(Buffer.concat([secret, padding]))
  ])
  const lines = body.toString("base64").match(/.{1,70}/g) ?? []
  return ["-----BEGIN OPENSSH PRIVATE KEY-----", ...lines, "-----END OPENSSH PRIVATE KEY-----", ""].join("\n")
}

// ssh2's own generator makes a wrong Ed25519 key whenever the public half starts with a zero byte.
const generateKeyObject = async (type: KeyType): Promise<Crypto.KeyObject> => {
  switch (type) {
    case "ed25519":
      return (await promisify(Crypto.generateKeyPair)("ed25519")).privateKey
    case "ecdsa":
      return (await promisify(Crypto.generateKeyPair)("ec", { namedCurve: "P-256" })).privateKey
    case "rsa":
      return (await promisify(Crypto.generateKeyPair)("rsa", { modulusLength: 2048 })).privateKey
  }
}

/**
 * Makes a new key pair.
 *
 * @since 0.1.0
 * @category constructors
 */
export const generate = (type: KeyType = "ed25519", comment = "lab"): Effect.Effect<KeyPair, LabError> =>
  Effect.tryPromise({
    try: () => generateKeyObject(type),
    catch: (cause) => new LabError({ message: `Could not make an ${type} key`, cause })
  }).pipe(
    Effect.map((key) => {
      const encoded = encode(type, key)
      return {
        type,
        algorithm: encoded.algorithm,
        privateKey: armour(encoded, comment),
        publicKey: `${encoded.algorithm} ${encoded.blob.toString("base64")} ${comment}`,
        blob: encoded.blob,
        fingerprint: `SHA256:${Crypto.createHash("sha256").update(encoded.blob).digest("base64").replace(/=+$/, "")}`
      }
    })
  )
