import { NodeServices } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import * as KeyPair from "@toehold/lab/KeyPair"
import { describeWith } from "@toehold/lab/RealPart"

/** The public half and the fingerprint of a private key, as `ssh-keygen` reads them. */
const readByKeygen = Effect.fnUntraced(function* (key: KeyPair.KeyPair) {
  const fs = yield* FileSystem.FileSystem
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const file = yield* fs.makeTempFileScoped()
  yield* fs.writeFileString(file, key.privateKey)
  yield* fs.chmod(file, 0o600)
  const publicKey = yield* spawner.string(ChildProcess.make("ssh-keygen", ["-y", "-f", file]))
  const listed = yield* spawner.string(ChildProcess.make("ssh-keygen", ["-l", "-f", file]))
  return { publicKey: publicKey.trim(), fingerprint: listed.split(" ")[1] }
}, Effect.scoped)

describeWith(["ssh-keygen"], "KeyPair", () => {
  it.layer(NodeServices.layer)((it) => {
    for (const type of ["ed25519", "ecdsa", "rsa"] as const) {
      it.effect(`${type} is what ssh-keygen reads`, () =>
        Effect.gen(function* () {
          const key = yield* KeyPair.generate(type, "a comment")
          const { publicKey, fingerprint } = key
          assert.deepStrictEqual(yield* readByKeygen(key), { publicKey, fingerprint })
        })
      )
    }

    it.effect("keeps the leading zeros of an Ed25519 key", () =>
      Effect.gen(function* () {
        let key = yield* KeyPair.generate()
        while (key.blob.at(-32) !== 0) key = yield* KeyPair.generate()
        assert.strictEqual((yield* readByKeygen(key)).publicKey, key.publicKey)
      })
    )
  })
})
