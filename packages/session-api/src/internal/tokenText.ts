/** A bearer token as a text: a mark that scanners for secrets find, a name to look it up by, and the secret itself. */
import { Redacted } from "effect"
import * as Crypto from "node:crypto"

const shape = /^toehold_([0-9a-f]{16})_([\w-]{43})$/

/** Tokens wherever they stand in a text. */
export const anywhere = /toehold_[0-9a-f]{16}_[\w-]{43}/g

export interface Parts {
  readonly id: string
  readonly secret: Redacted.Redacted
}

export const parse = (token: Redacted.Redacted): Parts | undefined => {
  const [, id, secret] = shape.exec(Redacted.value(token)) ?? []
  return id === undefined || secret === undefined ? undefined : { id, secret: Redacted.make(secret) }
}

export const generate = (): Parts => ({
  id: Crypto.randomBytes(8).toString("hex"),
  secret: Redacted.make(Crypto.randomBytes(32).toString("base64url"))
})

export const format = ({ id, secret }: Parts): Redacted.Redacted =>
  Redacted.make(`toehold_${id}_${Redacted.value(secret)}`)

/** The secret has 256 bits of chance, which nobody tries out: a plain hash keeps it as safe as a slow one. */
export const hashOf = (secret: Redacted.Redacted): Buffer =>
  Crypto.createHash("sha256").update(Redacted.value(secret)).digest()

/** In the same time whether or not they are alike. */
export const isSecretOf = (secret: Redacted.Redacted, hash: string): boolean => {
  const stored = Buffer.from(hash, "hex")
  const given = hashOf(secret)
  return stored.length === given.length && Crypto.timingSafeEqual(stored, given)
}
