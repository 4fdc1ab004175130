/** Which keys are offered, in which order, and which can't be and why. */
import { Effect, FileSystem, type Redacted, Result, type Scope } from "effect"
import type { ClientPlatform } from "../ClientPlatform.ts"
import * as SshAgent from "../SshAgent.ts"
import * as SshError from "../SshError.ts"
import * as SshKey from "../SshKey.ts"
import * as SshPublicKey from "../SshPublicKey.ts"
import type { Credential } from "./credential.ts"

export interface Identity {
  readonly path: string
  /** `required`: named for this very call, so that it must be usable. `default`: one that ssh looks for by itself. */
  readonly origin: "required" | "configured" | "default"
}

export interface Options {
  readonly identities: ReadonlyArray<Identity>
  readonly passphrase: Redacted.Redacted<string> | undefined
  /** Where an agent may listen, best first. */
  readonly agentPaths: ReadonlyArray<string>
  /** Use no keys of the agent but those that an identity names. */
  readonly identitiesOnly: boolean
  /** Whether a key may be used at all; the answer is the reason why not. */
  readonly objection: (key: SshPublicKey.SshPublicKey) => string | undefined
}

/**
 * The credentials for the identities, then for the other keys of the agent, and last for the keys that ssh looks for by
 * itself. Fails only for a required identity that neither the file nor the agent can serve.
 */
export const gather = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<
  ReadonlyArray<Credential>,
  SshError.SshError,
  FileSystem.FileSystem | ClientPlatform | Scope.Scope
> {
  const agentKeys = yield* firstAgent(options.agentPaths)
  const named = options.identities.filter((identity) => identity.origin !== "default")
  const defaults = options.identities.filter((identity) => identity.origin === "default")
  const used = new Set<string>()
  const credentials: Array<Credential> = []
  const add = (credential: Credential | undefined) => {
    if (credential === undefined) return
    if (credential._tag !== "Skipped") {
      if (used.has(credential.fingerprint)) return
      used.add(credential.fingerprint)
    }
    credentials.push(credential)
  }
  for (const identity of named) add(yield* fromFile(identity, options, agentKeys))
  if (!options.identitiesOnly) {
    for (const key of agentKeys) add(fromAgent(key, "agent", options))
  }
  for (const identity of defaults) add(yield* fromFile(identity, options, agentKeys))
  return credentials
})

const firstAgent = Effect.fnUntraced(function* (paths: ReadonlyArray<string>) {
  for (const path of paths) {
    const keys = yield* SshAgent.keys(path)
    if (keys.length > 0) return keys
  }
  return []
})

const fromAgent = (key: SshAgent.AgentKey, source: string, options: Options): Credential => {
  const publicKey = SshPublicKey.fromBlob(key.publicBlob, { source })
  const objection = Result.isSuccess(publicKey) ? options.objection(publicKey.success) : undefined
  const label = source === "agent" && key.comment !== "" ? `agent:${key.comment}` : source
  if (objection !== undefined) return { _tag: "Skipped", source: label, detail: objection }
  return { _tag: "Agent", source: label, keyType: key.keyType, fingerprint: key.fingerprint, signer: key.signer }
}

const fromFile = Effect.fnUntraced(function* (
  identity: Identity,
  options: Options,
  agentKeys: ReadonlyArray<SshAgent.AgentKey>
): Effect.fn.Return<Credential | undefined, SshError.SshError, FileSystem.FileSystem | ClientPlatform> {
  const { path } = identity
  const loaded = yield* Effect.result(SshKey.load(path, { passphrase: options.passphrase }))
  if (Result.isSuccess(loaded)) {
    const { publicKey } = loaded.success
    const objection = options.objection(publicKey)
    if (objection !== undefined) return { _tag: "Skipped", source: path, detail: objection }
    return {
      _tag: "Key",
      source: path,
      keyType: publicKey.type,
      fingerprint: SshPublicKey.fingerprint(publicKey.blob),
      privateKey: yield* SshKey.toOpenSsh(loaded.success)
    }
  }
  const failure = loaded.failure
  // The public half is enough where the agent holds the private one: an encrypted key, or a .pub file named as identity.
  const half = yield* Effect.result(SshKey.loadPublic(path))
  if (Result.isSuccess(half)) {
    const fingerprint = SshPublicKey.fingerprint(half.success.blob)
    const held = agentKeys.find((key) => key.fingerprint === fingerprint)
    if (held !== undefined) return fromAgent(held, `${path} (agent)`, options)
  }
  if (identity.origin === "required") return yield* failure
  // Nobody asked for the keys that ssh looks for by itself, so their absence is no news.
  const fs = yield* FileSystem.FileSystem
  if (identity.origin === "default" && !(yield* Effect.orElseSucceed(fs.exists(path), () => true))) return undefined
  return { _tag: "Skipped", source: path, detail: failure.message }
})
