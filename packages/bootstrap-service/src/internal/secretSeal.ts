import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto"
import { Redacted, Result, Schema } from "effect"
import * as BootstrapError from "../BootstrapError.ts"
import { Secrets } from "../SessionConfig.ts"

/** How secrets look in a database, bound to the session they are of. */
export interface Seal {
  readonly close: (id: string, secrets: Secrets) => string | undefined
  readonly open: (id: string, text: string) => Result.Result<Secrets, BootstrapError.BootstrapError>
}

const Json = Schema.fromJsonString(Secrets)

const decode = Schema.decodeUnknownResult(Json)

const encode = Schema.encodeSync(Json)

const cipher = "aes-256-gcm"
const nonceLength = 12
const tagLength = 16
const plain = "plain:"
const sealed = "sealed:"

/** With a key: AES-256-GCM (NIST SP 800-38D) under a key made of it by HKDF (RFC 5869). Without: as they are. */
export const makeSeal = (key: Redacted.Redacted<string> | undefined): Seal => {
  const keyBytes =
    key === undefined
      ? undefined
      : Buffer.from(hkdfSync("sha256", Redacted.value(key), "", "toehold session secrets", 32))
  return {
    close: (id, secrets) => {
      if (Object.keys(secrets).length === 0) return undefined
      const text = encode(secrets)
      if (keyBytes === undefined) return `${plain}${text}`
      const nonce = randomBytes(nonceLength)
      const encrypt = createCipheriv(cipher, keyBytes, nonce).setAAD(Buffer.from(id))
      const body = Buffer.concat([encrypt.update(text, "utf8"), encrypt.final()])
      return sealed + Buffer.concat([nonce, encrypt.getAuthTag(), body]).toString("base64")
    },
    open: (id, text) => {
      const unreadable = BootstrapError.make(new BootstrapError.SecretsUnreadable({ id }))
      const opened = text.startsWith(plain)
        ? Result.succeed(text.slice(plain.length))
        : Result.try({
            try: () => {
              const bytes = Buffer.from(text.slice(sealed.length), "base64")
              // Without a key the decipher refuses, as it does with a wrong one.
              const decrypt = createDecipheriv(cipher, keyBytes ?? Buffer.alloc(0), bytes.subarray(0, nonceLength))
              decrypt.setAAD(Buffer.from(id)).setAuthTag(bytes.subarray(nonceLength, nonceLength + tagLength))
              return decrypt.update(bytes.subarray(nonceLength + tagLength), undefined, "utf8") + decrypt.final("utf8")
            },
            catch: () => unreadable
          })
      return Result.flatMap(opened, (json) => Result.mapError(decode(json), () => unreadable))
    }
  }
}
