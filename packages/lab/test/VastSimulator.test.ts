import { NodeServices } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Fs from "node:fs"
import * as KeyPair from "@toehold/lab/KeyPair"
import { describeWith } from "@toehold/lab/RealPart"
import * as Simulator from "@toehold/lab/VastSimulator"
import { withClient } from "./support/clients.ts"

const delays = { status: 5, load: 5, ssh: 5, keys: 5 }

describeWith(["sshd", "private-accounts"], "an instance of the VastSimulator", () => {
  it.layer(NodeServices.layer, { excludeTestServices: true })((it) => {
    it.effect("is a machine that an attached key lets into, at two addresses", () =>
      Effect.gen(function* () {
        const { privateKey, publicKey } = yield* KeyPair.generate()
        const simulator = yield* Simulator.make({ delays, publicKeys: [publicKey] })
        const instance = yield* simulator.rent()
        yield* instance.settled
        for (const address of [instance.direct, instance.proxy]) {
          const where = { host: "127.0.0.1", port: address?.port ?? 0, user: instance.user }
          const said = yield* withClient(where, { privateKey }, "id -un; ls -d /workspace; cat /workspace/*.log")
          assert.match(said, /^root\n\/workspace\n.*\nERROR: HF_TOKEN is not set/)
        }
        assert.isFalse(Fs.existsSync("/workspace"))
      })
    )
  })
})
