import { Effect, type FileSystem, type Path } from "effect"
import type { ClientPlatform } from "../../ClientPlatform.ts"
import * as HostKeys from "../../HostKeys.ts"
import * as SshError from "../../SshError.ts"
import * as SshPublicKey from "../../SshPublicKey.ts"
import { isPlain } from "../hostKeyVerdict.ts"

/** Fails as `ssh` did, with what the files say of the host's key: `ssh` tells it in part. */
export const describe = Effect.fnUntraced(function* (
  error: SshError.SshError,
  files: Pick<HostKeys.Options, "userFiles" | "globalFiles">
): Effect.fn.Return<never, SshError.SshError, FileSystem.FileSystem | Path.Path | ClientPlatform> {
  const { reason } = error
  if (reason._tag !== "HostKeyUnknown" && reason._tag !== "HostKeyChanged" && reason._tag !== "HostKeyRevoked") {
    return yield* error
  }
  const { fingerprint, host, keyType, port } = reason
  const shown = { host, port, keyType, fingerprint }
  const hostKeys = yield* HostKeys.make(files)
  const entries = yield* Effect.orElseSucceed(hostKeys.list({ host, port }), () => [])
  if (reason._tag === "HostKeyUnknown") {
    const certAuthority = entries.some((entry) => entry.marker === "cert-authority")
    return yield* SshError.make(new SshError.HostKeyUnknown({ ...shown, files: reason.files, certAuthority }))
  }
  if (reason._tag === "HostKeyChanged") {
    const known = entries.filter(isPlain).map(({ blob, file, keyType, line }) => ({
      keyType,
      fingerprint: SshPublicKey.fingerprint(blob),
      file,
      line
    }))
    return yield* known.length === 0 ? error : SshError.make(new SshError.HostKeyChanged({ ...shown, known }))
  }
  const line = entries.find(
    ({ blob, marker }) => marker === "revoked" && SshPublicKey.fingerprint(blob) === fingerprint
  )
  return yield* line === undefined
    ? error
    : SshError.make(new SshError.HostKeyRevoked({ ...shown, file: line.file, line: line.line }))
})
