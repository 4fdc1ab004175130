import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Crypto from "node:crypto"
import * as FaultProxy from "@toehold/lab/FaultProxy"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import { connectTo } from "../support/failing.ts"
import { optionsFor, services } from "../support/machine.ts"

const sum = (bytes: Uint8Array): string => Crypto.createHash("sha256").update(bytes).digest("hex")

describeWith(["sshd"], "AES-GCM", () => {
  it.layer(services, { excludeTestServices: true })((it) => {
    for (const cipher of ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com"]) {
      it.effect(`keeps every byte both ways over many key exchanges and odd pieces, as ${cipher}`, () =>
        Effect.gen(function* () {
          const server = yield* OpenSshServer.make({ config: ["RekeyLimit 256K"] })
          const proxy = yield* FaultProxy.make({ target: server, toClient: { chunkSize: 7777 } })
          const algorithms = { ciphers: { mode: "replace", names: [cipher] } } as const
          const ssh = yield* connectTo({ ...optionsFor(server, { algorithms }), port: proxy.port })
          assert.deepStrictEqual(ssh.connection.algorithms.cipher, [cipher, cipher])
          for (const length of [1, 4096, 40_000, 3_000_000]) {
            const input = Crypto.randomBytes(length)
            const { stdout } = yield* ssh.exec(SshCommand.argv(["cat"]), { stdin: input })
            assert.strictEqual(sum(stdout.bytes), sum(input))
          }
          // Several commands at once while keys change.
          const inputs = Array.from({ length: 4 }, () => Crypto.randomBytes(700_000))
          const results = yield* Effect.forEach(
            inputs,
            (input) => ssh.exec(SshCommand.argv(["cat"]), { stdin: input }),
            { concurrency: 4 }
          )
          assert.deepStrictEqual(
            results.map(({ stdout }) => sum(stdout.bytes)),
            inputs.map(sum)
          )
        })
      )
    }
  })
})
