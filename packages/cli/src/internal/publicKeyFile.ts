/** The public key that a command is about. */
import { Effect, FileSystem } from "effect"
import { ClientPlatform, sshDir } from "@toehold/ssh-core/ClientPlatform"
import * as SshError from "@toehold/ssh-core/SshError"
import * as SshPublicKey from "@toehold/ssh-core/SshPublicKey"
import { readBounded } from "./machine.ts"

const defaultNames = ["id_ed25519", "id_ecdsa", "id_rsa"]

/** The public key file: the one that is named, that of the named private key, or the first of the usual ones. */
export const publicKeyFile = Effect.fnUntraced(function* (
  given: string | undefined,
  identities: ReadonlyArray<string>,
  usual: ReadonlyArray<string> = defaultNames
) {
  const fs = yield* FileSystem.FileSystem
  const platform = yield* ClientPlatform
  if (given !== undefined) {
    // A private key's name is what people have at hand.
    if (given.endsWith(".pub")) return given
    const beside = yield* Effect.orElseSucceed(fs.exists(`${given}.pub`), () => false)
    return beside ? `${given}.pub` : given
  }
  const separator = platform.os === "win32" ? "\\" : "/"
  const names = [
    ...identities.map((file) => `${file}.pub`),
    ...usual.map((name) => `${sshDir(platform)}${separator}${name}.pub`)
  ]
  for (const name of names) {
    if (yield* Effect.orElseSucceed(fs.exists(name), () => false)) return name
  }
  return yield* SshError.make(
    new SshError.InvalidArgument({
      argument: "KEY.pub",
      detail: `there is no public key in ${sshDir(platform)}`,
      hint: "Make a key with: toehold keys generate FILE, then name FILE.pub here."
    })
  )
})

/** The names for an instance of Vast.ai: the one made for these machines comes first. */
export const instanceKeyNames = ["id_vast", ...defaultNames]

const maxPublicBytes = 64 * 1024

export const readPublicKey = Effect.fnUntraced(function* (path: string) {
  const bytes = yield* readBounded(path, maxPublicBytes)
  const text = new TextDecoder().decode(bytes)
  // A private key must not travel, whatever could be made out of it.
  if (text.includes("PRIVATE KEY") || text.startsWith("PuTTY-User-Key-File")) {
    return yield* SshError.make(
      new SshError.InvalidArgument({
        argument: path,
        detail: "it is a private key; the public one goes to the machine",
        hint: `Give ${path}.pub, or make it with: toehold keys convert ${path} ${path}.pub --format public`
      })
    )
  }
  return yield* Effect.fromResult(SshPublicKey.parse(bytes, { source: path }))
})
