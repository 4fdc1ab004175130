/** What the commands for keys share: names of formats, flags, lines. */
import { Effect, FileSystem, type Redacted } from "effect"
import * as SshError from "@toehold/ssh-core/SshError"
import * as SshKey from "@toehold/ssh-core/SshKey"
import * as SshPublicKey from "@toehold/ssh-core/SshPublicKey"
import { fileFailure } from "./machine.ts"

export type HashName = "sha256" | "md5"

/** What documents say of a key. */
export const keyFields = (key: SshPublicKey.SshPublicKey, hash: HashName = "sha256") => ({
  type: key.type,
  bits: key.bits,
  fingerprint: SshPublicKey.fingerprint(key.blob, hash),
  comment: key.comment
})

/** The text of a private key file in a format. */
export const encodePrivate = (
  key: SshKey.SshKey,
  format: "openssh" | "ppk",
  passphrase: Redacted.Redacted<string> | undefined
) => (format === "ppk" ? SshKey.toPpk(key, { passphrase }) : SshKey.toOpenSsh(key, { passphrase }))

/** A missing file is another fault than one that holds no key. */
export const mustExist = Effect.fnUntraced(function* (path: string) {
  const fs = yield* FileSystem.FileSystem
  const there = yield* fs.exists(path).pipe(Effect.mapError((error) => fileFailure(path, error)))
  if (!there) return yield* SshError.make(new SshError.NotFound({ path }))
})
