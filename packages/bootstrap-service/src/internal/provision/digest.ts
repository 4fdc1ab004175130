import * as Crypto from "node:crypto"

/** SHA-256 of a text, in hex. */
export const digestOf = (text: string): string => Crypto.createHash("sha256").update(text).digest("hex")
