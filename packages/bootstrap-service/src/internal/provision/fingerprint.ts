import { Effect } from "effect"

const maxKey = 64 * 1024

/** The blob of a public key's line, behind options if it has some. */
const blobOf = (line: string): Uint8Array | undefined => {
  const word = line
    .slice(0, maxKey)
    .split(/\s+/)
    .find((part) => part.startsWith("AAAA"))
  return word === undefined ? undefined : Buffer.from(word, "base64")
}

/** `SHA256:` and the digest without padding, as ssh-keygen prints it; `undefined` for what is no public key. */
export const fingerprintOf = (line: string): Effect.Effect<string | undefined> => {
  const blob = blobOf(line)
  if (blob === undefined) return Effect.undefined
  return Effect.map(
    Effect.promise(() => globalThis.crypto.subtle.digest("SHA-256", new Uint8Array(blob))),
    (hash) => `SHA256:${Buffer.from(hash).toString("base64").replace(/=+$/, "")}`
  )
}

export const fingerprintsOf = (lines: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<string>> =>
  Effect.map(Effect.forEach(lines, fingerprintOf), (all) => all.filter((one) => one !== undefined))
