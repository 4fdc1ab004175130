import { Effect } from "effect"
import type * as KnownHosts from "../KnownHosts.ts"
import * as SshError from "../SshError.ts"
import * as SshPublicKey from "../SshPublicKey.ts"
import { keyTypeOf } from "./hostKeyBlob.ts"

/** A key that a server showed. */
export interface Shown {
  readonly blob: Uint8Array
  readonly keyType: string
  readonly fingerprint: string
}

/** What the files say about it. */
export type Verdict =
  | { readonly _tag: "known"; readonly entry: KnownHosts.Entry }
  | { readonly _tag: "unknown"; readonly certAuthority: boolean }
  | { readonly _tag: "changed"; readonly entries: ReadonlyArray<KnownHosts.Entry> }
  | { readonly _tag: "revoked"; readonly entry: KnownHosts.Entry }

export const isPlain = (entry: KnownHosts.Entry): boolean => entry.marker === undefined

export const isShown =
  ({ blob }: Shown) =>
  (entry: KnownHosts.Entry): boolean =>
    Buffer.compare(entry.blob, blob) === 0

/** OpenSSH's order (`check_host_key`), save that a revoked key is refused wherever any line for the host revokes it. */
export const judge = (lookup: KnownHosts.Lookup, shown: Shown): Verdict => {
  const same = isShown(shown)
  const all = [...lookup.host, ...lookup.address, ...lookup.withoutPort]
  const revoked = all.find((entry) => entry.marker === "revoked" && same(entry))
  if (revoked !== undefined) return { _tag: "revoked", entry: revoked }
  const host = lookup.host.filter(isPlain)
  const address = lookup.address.filter(isPlain)
  const known = host.find(same)
  if (known === undefined && host.length > 0) return { _tag: "changed", entries: host }
  if (address.length > 0 && !address.some(same)) return { _tag: "changed", entries: address }
  const entry = known ?? lookup.withoutPort.find((entry) => isPlain(entry) && same(entry))
  if (entry !== undefined) return { _tag: "known", entry }
  return { _tag: "unknown", certAuthority: lookup.host.some((entry) => entry.marker === "cert-authority") }
}

export const changed = (
  host: KnownHosts.Host,
  shown: Pick<Shown, "keyType" | "fingerprint">,
  entries: ReadonlyArray<KnownHosts.Entry>
): SshError.SshError =>
  SshError.make(
    new SshError.HostKeyChanged({
      host: host.host,
      port: host.port,
      keyType: shown.keyType,
      fingerprint: shown.fingerprint,
      known: entries.map(({ blob, file, keyType, line }) => ({
        keyType,
        fingerprint: SshPublicKey.fingerprint(blob),
        file,
        line
      }))
    })
  )

export const revoked = (host: KnownHosts.Host, shown: Shown, entry: KnownHosts.Entry): SshError.SshError =>
  SshError.make(
    new SshError.HostKeyRevoked({
      host: host.host,
      port: host.port,
      keyType: shown.keyType,
      fingerprint: shown.fingerprint,
      file: entry.file,
      line: entry.line
    })
  )

export const invalid = (argument: string, detail: string): SshError.SshError =>
  SshError.make(new SshError.InvalidArgument({ argument, detail }))

export const show = (key: Uint8Array): Effect.Effect<Shown, SshError.SshError> => {
  const keyType = keyTypeOf(key)
  return keyType === undefined
    ? Effect.fail(invalid("key", "it is not a whole public key of a supported type"))
    : Effect.succeed({ blob: key, keyType, fingerprint: SshPublicKey.fingerprint(key) })
}
