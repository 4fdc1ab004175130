/**
 * Public keys as SSH passes them around: lines of `.pub` and `authorized_keys` files, RFC 4716 files, fingerprints.
 *
 * @since 0.1.0
 */
import { Result } from "effect"
import * as Crypto from "node:crypto"
import { toSshError } from "./internal/key/fault.ts"
import { textOf, wrapped } from "./internal/key/keyText.ts"
import { make, read, rfc4716Begin, rfc4716End, type SshPublicKey } from "./internal/key/publicText.ts"
import type * as SshError from "./SshError.ts"

export type { SshPublicKey }

/**
 * A public key from the blob that an agent or a server sent. Types that only have a name and a fingerprint here (DSA,
 * hardware keys) are taken too.
 *
 * **Gotchas**
 *
 * Certificates are refused as unsupported: their fingerprint would be that of the key inside.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromBlob = (
  blob: Uint8Array,
  options: { readonly source: string; readonly comment?: string }
): Result.Result<SshPublicKey, SshError.SshError> =>
  Result.mapError(make(blob, options.comment ?? "", ""), toSshError(options.source))

/**
 * Reads the first public key in a text: a line of a `.pub` or `authorized_keys` file, or an RFC 4716 file
 * (`---- BEGIN SSH2 PUBLIC KEY ----`). `source` says in errors where it came from: a path or a few words.
 * Fails with `KeyUnreadable` or `KeyFormatUnsupported`.
 *
 * @since 0.1.0
 * @category decoding
 */
export const parse = (
  data: Uint8Array | string,
  options: { readonly source: string }
): Result.Result<SshPublicKey, SshError.SshError> =>
  Result.mapError(Result.flatMap(textOf(data), read), toSshError(options.source))

/**
 * The key as one line for an `authorized_keys` or `.pub` file, without a line break.
 *
 * @since 0.1.0
 * @category encoding
 */
export const toLine = (key: SshPublicKey): string =>
  [key.options, key.type, Buffer.from(key.blob).toString("base64"), key.comment].filter((part) => part !== "").join(" ")

/**
 * The key in the form of RFC 4716, which servers that aren't OpenSSH ask for.
 *
 * @since 0.1.0
 * @category encoding
 */
export const toRfc4716 = (key: SshPublicKey): string => {
  // A line has at most 72 bytes, and one that goes on ends with a backslash.
  const lines: Array<string> = []
  let line = ""
  for (const char of key.comment === "" ? "" : `Comment: "${key.comment}"`) {
    if (Buffer.byteLength(line + char) > 71) {
      lines.push(`${line}\\`)
      line = ""
    }
    line += char
  }
  if (line !== "") lines.push(line)
  return [rfc4716Begin, ...lines, ...wrapped(key.blob, 70), rfc4716End, ""].join("\n")
}

/**
 * The fingerprint of a public key blob, as `ssh-keygen -l` prints it: `SHA256:` and base64 without padding, or `MD5:`
 * and hexadecimal pairs.
 *
 * @since 0.1.0
 * @category accessors
 */
export const fingerprint = (blob: Uint8Array, algorithm: "sha256" | "md5" = "sha256"): string =>
  algorithm === "sha256"
    ? `SHA256:${Crypto.createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`
    : `MD5:${(Crypto.createHash("md5").update(blob).digest("hex").match(/../g) ?? []).join(":")}`
