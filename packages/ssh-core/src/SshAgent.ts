/**
 * The SSH agent of the person who runs this program: where it listens on each platform, and what keys it holds.
 *
 * @since 0.1.0
 */
import { Effect, FileSystem } from "effect"
import type { Duplex } from "node:stream"
import type * as Ssh2 from "ssh2"
import type { Platform } from "./ClientPlatform.ts"
import * as Driver from "./internal/driver.ts"
import * as SshPublicKey from "./SshPublicKey.ts"

/**
 * One key of an agent. The private half stays there.
 *
 * @since 0.1.0
 * @category models
 */
export interface AgentKey {
  readonly keyType: string
  readonly comment: string
  /** Public key in the wire format of RFC 4253, section 6.6. */
  readonly publicBlob: Uint8Array
  /** `SHA256:` fingerprint. */
  readonly fingerprint: string
  /** What the driver signs through: it offers this key and no other, so that one key is one attempt. */
  readonly signer: unknown
}

/**
 * Where an agent may listen, best first. `configured` is the IdentityAgent of the configuration: a path, `none`, or
 * `SSH_AUTH_SOCK` for the environment's. On Windows these are named pipes: OpenSSH's own, then Pageant's, whose names
 * are found among `pipes`, the pipes that exist.
 *
 * @since 0.1.0
 * @category constructors
 */
export const locate = (
  platform: Platform,
  options: { readonly configured?: string | undefined; readonly pipes?: ReadonlyArray<string> | undefined } = {}
): ReadonlyArray<string> => {
  const { configured } = options
  if (configured === "none") return []
  if (configured !== undefined && configured !== "SSH_AUTH_SOCK") return [configured]
  const fromEnvironment = platform.env["SSH_AUTH_SOCK"]
  const named = fromEnvironment === undefined || fromEnvironment === "" ? [] : [fromEnvironment]
  if (platform.os !== "win32") return named
  const pageant = (options.pipes ?? []).filter((pipe) =>
    pipe.toLowerCase().startsWith(`pageant.${platform.userName.toLowerCase()}.`)
  )
  return [...named, "\\\\.\\pipe\\openssh-ssh-agent", ...pageant.map((pipe) => `\\\\.\\pipe\\${pipe}`)]
}

/**
 * The named pipes that exist, for {@link locate}; none but on Windows. Pageant's has a name of its own in each session.
 *
 * @since 0.1.0
 * @category accessors
 */
export const findPipes = Effect.fnUntraced(function* (
  platform: Platform
): Effect.fn.Return<ReadonlyArray<string>, never, FileSystem.FileSystem> {
  if (platform.os !== "win32") return []
  const fs = yield* FileSystem.FileSystem
  return yield* Effect.orElseSucceed(fs.readDirectory("\\\\.\\pipe\\"), () => [])
})

/** An agent that asks a person before it answers may take this long; without a person it must not hold up everything. */
const answerWithin = "10 seconds"

/**
 * The keys of the agent at `path`; empty when none listens there or it does not answer within 10 seconds, for an agent
 * is a convenience that a connection must not fail for. A signer works as long as the scope is open, whose end closes
 * what is still open to the agent.
 *
 * @since 0.1.0
 * @category accessors
 */
export const keys = Effect.fn("SshAgent.keys")(function* (path: string) {
  const driver = yield* Driver.load
  const agent = driver.createAgent(path)
  const hangUp = hangUpOn(agent)
  yield* Effect.addFinalizer(() => hangUp)
  const found = yield* Effect.callback<ReadonlyArray<Ssh2.ParsedKey | Buffer | string | Ssh2.PublicKeyEntry>>(
    (resume) => {
      agent.getIdentities((error, identities) => resume(Effect.succeed(error ? [] : (identities ?? []))))
      return hangUp
    }
  ).pipe(Effect.timeoutOrElse({ duration: answerWithin, orElse: () => Effect.succeed([]) }))
  return found.flatMap((identity): ReadonlyArray<AgentKey> => {
    const parsed = driver.parseKey(publicOf(identity))
    const key = Array.isArray(parsed) ? parsed[0] : parsed
    if (key === undefined || key instanceof Error) return []
    const publicBlob = new Uint8Array(key.getPublicSSH())
    return [
      {
        keyType: key.type,
        comment: key.comment,
        publicBlob,
        fingerprint: SshPublicKey.fingerprint(publicBlob),
        signer: single(driver, agent, key)
      }
    ]
  })
})

/** Closes what is open to the agent: the driver itself waits for an answer for ever. */
const hangUpOn = (agent: Ssh2.BaseAgent): Effect.Effect<void> => {
  const streams = new Set<Duplex>()
  const open = agent.getStream?.bind(agent)
  if (open !== undefined) {
    agent.getStream = (callback) =>
      open((error, stream) => {
        if (stream) streams.add(stream.once("close", () => streams.delete(stream)))
        callback(error, stream)
      })
  }
  return Effect.sync(() => {
    for (const stream of streams) stream.destroy()
  })
}

const publicOf = (
  identity: Ssh2.ParsedKey | Buffer | string | Ssh2.PublicKeyEntry
): Buffer | string | Ssh2.ParsedKey => {
  if (typeof identity === "string" || Buffer.isBuffer(identity)) return identity
  if ("getPublicSSH" in identity) return identity
  return publicOf(identity.pubKey as Ssh2.ParsedKey | Buffer | string)
}

const single = (driver: Driver.Driver, agent: Ssh2.BaseAgent, key: Ssh2.ParsedKey): Ssh2.BaseAgent =>
  new (class extends driver.BaseAgent {
    override getIdentities(callback: Ssh2.IdentityCallback<Ssh2.ParsedKey>): void {
      callback(undefined, [key])
    }
    override sign(
      publicKey: Ssh2.ParsedKey,
      data: Buffer,
      options: Ssh2.SigningRequestOptions | Ssh2.SignCallback,
      callback?: Ssh2.SignCallback
    ): void {
      if (typeof options === "function") agent.sign(publicKey, data, {}, options)
      else agent.sign(publicKey, data, options, callback)
    }
  })()
