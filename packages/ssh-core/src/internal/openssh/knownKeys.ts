import { Effect, type FileSystem, type Path } from "effect"
import type { ClientPlatform } from "../../ClientPlatform.ts"
import * as HostKeys from "../../HostKeys.ts"
import type * as KnownHosts from "../../KnownHosts.ts"
import * as SshError from "../../SshError.ts"
import * as SshPublicKey from "../../SshPublicKey.ts"
import { isPlain } from "../hostKeyVerdict.ts"

type Files = Pick<HostKeys.Options, "userFiles" | "globalFiles">

interface Shown {
  readonly host: string
  readonly port: number
  readonly keyType: string
  readonly fingerprint: string
}

/** Fails as `ssh` did, with what the files say of the host's key: `ssh` tells it in part. */
export const describe = Effect.fnUntraced(function* (
  error: SshError.SshError,
  files: Files
): Effect.fn.Return<never, SshError.SshError, FileSystem.FileSystem | Path.Path | ClientPlatform> {
  const { reason } = error
  if (reason._tag !== "HostKeyUnknown" && reason._tag !== "HostKeyChanged" && reason._tag !== "HostKeyRevoked") {
    return yield* error
  }
  const { fingerprint, host, keyType, port } = reason
  const shown = { host, port, keyType, fingerprint }
  const entries = yield* entriesFor(shown, files)
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
  yield* refuseRevoked(shown, entries)
  return yield* error
})

/** `ssh` accepts even a revoked key where it was told that nobody looks. */
export const check = Effect.fnUntraced(function* (shown: Shown, files: Files) {
  yield* refuseRevoked(shown, yield* entriesFor(shown, files))
})

const entriesFor = Effect.fnUntraced(function* ({ host, port }: Shown, files: Files) {
  const hostKeys = yield* HostKeys.make(files)
  return yield* Effect.orElseSucceed(hostKeys.list({ host, port }), () => [])
})

const refuseRevoked = (
  shown: Shown,
  entries: ReadonlyArray<KnownHosts.Entry>
): Effect.Effect<void, SshError.SshError> => {
  const line = entries.find(
    ({ blob, marker }) => marker === "revoked" && SshPublicKey.fingerprint(blob) === shown.fingerprint
  )
  return line === undefined
    ? Effect.void
    : Effect.fail(SshError.make(new SshError.HostKeyRevoked({ ...shown, file: line.file, line: line.line })))
}
