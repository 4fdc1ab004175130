/**
 * Reads a private key of any format and prints its fingerprint and its public half.
 *
 *     node examples/convert-key.ts ~/.ssh/vastai.ppk
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { ClientPlatform, SshKey, SshPublicKey } from "@toehold/ssh-core"
import { Config, Console, Effect, Layer, Option } from "effect"

const [path = "id_ed25519"] = process.argv.slice(2)

const main = Effect.gen(function* () {
  const passphrase = yield* Config.option(Config.Redacted("KEY_PASSPHRASE"))
  const key = yield* SshKey.load(path, { passphrase: Option.getOrUndefined(passphrase) })
  yield* Console.log(SshPublicKey.fingerprint(key.publicKey.blob))
  yield* Console.log(SshPublicKey.toLine(key.publicKey))
}).pipe(Effect.catchTag("SshError", (error) => Console.error(`${error.message}\n${error.fix}`)))

main.pipe(Effect.provide(Layer.merge(NodeServices.layer, ClientPlatform.layer)), NodeRuntime.runMain)
