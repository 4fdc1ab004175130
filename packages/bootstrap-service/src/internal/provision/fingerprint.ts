import * as Crypto from "node:crypto"

const maxKey = 64 * 1024

/** The blob of a public key's line, behind options if it has some. */
const blobOf = (line: string): Uint8Array | undefined => {
  const word = line
    .slice(0, maxKey)
    .split(/\s+/)
    .find((part) => part.startsWith("AAAA"))
  return word === undefined ? undefined : Buffer.from(word, "base64")
}

/** `SHA256:` and the digest without padding, as ssh-keygen prints it, of each line that is a public key. */
export const fingerprintsOf = (lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  lines.flatMap((line) => {
    const blob = blobOf(line)
    if (blob === undefined) return []
    return [`SHA256:${Crypto.createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`]
  })
