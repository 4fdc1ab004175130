/** The private keys at hand: those that were named, else those of `~/.ssh` and of the agent. */
import { Effect, FileSystem, Path, type Redacted, Result } from "effect"
import type { Identities, Identity } from "@toehold/bootstrap-service/ProvisionAccess"
import { ClientPlatform, sshDir } from "@toehold/ssh-core/ClientPlatform"
import * as SshAgent from "@toehold/ssh-core/SshAgent"
import type * as SshError from "@toehold/ssh-core/SshError"
import * as SshKey from "@toehold/ssh-core/SshKey"
import * as SshPublicKey from "@toehold/ssh-core/SshPublicKey"

/** What an identity of the agent's is called, which is no path. */
export const agentPath = "agent:"

const isCandidate = (name: string): boolean =>
  !name.endsWith(".pub") && !/^(known_hosts|authorized_keys|config|environment|rc)/.test(name)

/** A file that is called like a key should be one. */
const looksLikeKey = (name: string): boolean => /^id_|\.(?:ppk|pem|key)$/i.test(name)

const inAgent = Effect.gen(function* () {
  const platform = yield* ClientPlatform
  for (const path of SshAgent.locate(platform, { pipes: yield* SshAgent.findPipes(platform) })) {
    const keys = yield* Effect.scoped(SshAgent.keys(path))
    if (keys.length > 0) return keys
  }
  return []
})

const fields = (path: string, key: SshPublicKey.SshPublicKey): Identity => ({
  path,
  keyType: key.type,
  fingerprint: SshPublicKey.fingerprint(key.blob),
  publicKey: `${key.type} ${Buffer.from(key.blob).toString("base64")} toehold`
})

const withProblem = (identity: Identity, { fix, message }: { readonly fix: string; readonly message: string }) => ({
  ...identity,
  problem: { message, fix }
})

const nameless = (path: string): Identity => ({ path, keyType: "", fingerprint: "", publicKey: "" })

interface Look {
  readonly path: string
  readonly isNamed: boolean
  readonly passphrase: Redacted.Redacted<string> | undefined
  /** Fingerprints of the keys that an agent holds. */
  readonly held: ReadonlySet<string>
}

const readIdentity = Effect.fnUntraced(function* ({ held, isNamed, passphrase, path }: Look) {
  const loaded = yield* Effect.result(SshKey.load(path, { passphrase }))
  const beside = yield* Effect.option(SshKey.loadPublic(`${path}.pub`))
  if (Result.isSuccess(loaded)) {
    const identity = fields(path, loaded.success.publicKey)
    const other = beside._tag === "Some" ? SshPublicKey.fingerprint(beside.value.blob) : identity.fingerprint
    return other === identity.fingerprint
      ? identity
      : withProblem(identity, {
          message: `its public half ${path}.pub is of another key (${other})`,
          fix: `Remove ${path}.pub, or write it anew: toehold keys convert ${path} ${path}.pub --format public`
        })
  }
  const half = yield* Effect.option(SshKey.loadPublic(path))
  const identity = half._tag === "Some" ? fields(path, half.value) : nameless(path)
  if (held.has(identity.fingerprint)) return identity
  return isNamed || isKeyFault(loaded.failure) ? withProblem(identity, loaded.failure) : undefined
})

/** Not of just any file that lies in the folder. */
const isKeyFault = ({ reason }: SshError.SshError): boolean =>
  reason._tag === "KeyPassphraseMissing" ||
  reason._tag === "KeyPassphraseWrong" ||
  reason._tag === "KeyPermissions" ||
  reason._tag === "KeyFormatUnsupported"

/** Every key, each once. */
export const findIdentities = Effect.fnUntraced(function* (
  named: ReadonlyArray<string>,
  passphrase: Redacted.Redacted<string> | undefined
): Effect.fn.Return<Identities, never, FileSystem.FileSystem | Path.Path | ClientPlatform> {
  const fs = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const agentKeys = yield* inAgent
  const held = new Set(agentKeys.map(({ fingerprint }) => fingerprint))
  const folder = sshDir(yield* ClientPlatform)
  const files =
    named.length > 0
      ? named
      : (yield* Effect.orElseSucceed(fs.readDirectory(folder), (): ReadonlyArray<string> => []))
          .filter(isCandidate)
          .toSorted()
          .map((name) => paths.join(folder, name))
  const found = yield* Effect.forEach(files, (path) =>
    readIdentity({ path, passphrase, held, isNamed: named.length > 0 || looksLikeKey(paths.basename(path)) })
  )
  const ofFiles = found.filter((identity) => identity !== undefined)
  const known = new Set(ofFiles.map(({ fingerprint }) => fingerprint))
  const ofAgent =
    named.length > 0
      ? []
      : agentKeys.flatMap((key) => {
          const parsed = SshPublicKey.fromBlob(key.publicBlob, { source: "agent" })
          if (Result.isFailure(parsed) || known.has(key.fingerprint)) return []
          return [fields(`${agentPath}${key.comment}`, parsed.success)]
        })
  return { identities: [...ofFiles, ...ofAgent], searched: named.length > 0 ? named : [folder, "the SSH agent"] }
})
