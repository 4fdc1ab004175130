import { NodeServices } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { Effect, Exit, Layer, Redacted, Scope } from "effect"
import * as Fs from "node:fs"
import * as DropbearServer from "@toehold/lab/DropbearServer"
import * as Leaks from "@toehold/lab/Leaks"
import { describeWith } from "@toehold/lab/RealPart"
import { refuses, ssh, withClient } from "./support/clients.ts"

describeWith(["ssh", "dropbear", "dropbearconvert", "private-accounts"], "DropbearServer", () => {
  it.layer(DropbearServer.layer().pipe(Layer.provideMerge(NodeServices.layer)))((it) => {
    it.effect("passes output and exit code of a command to the real client", () =>
      Effect.gen(function* () {
        const server = yield* DropbearServer.DropbearServer
        const result = yield* ssh(server, "echo out; echo err >&2; pwd; exit 7")
        assert.deepStrictEqual(result, { stdout: `out\n${server.homeDir}\n`, stderr: "err\n", exitCode: 7 })
      })
    )
  })

  it.layer(NodeServices.layer)((it) => {
    it.effect("has every type of host key and of user key, on the IPv6 loopback too", () =>
      Effect.gen(function* () {
        for (const type of ["ed25519", "ecdsa", "rsa"] as const) {
          const server = yield* DropbearServer.make({ address: "::1", hostKeyTypes: [type], userKeyType: type })
          assert.strictEqual((yield* ssh(server, "echo in")).stdout, "in\n")
        }
      })
    )

    it.effect("logs in with a password, and refuses a wrong one", () =>
      Effect.gen(function* () {
        const password = "pass 'word' $1"
        const server = yield* DropbearServer.make({
          account: { password: Redacted.make(password), loginShell: "bash" }
        })
        assert.strictEqual(yield* withClient(server, { password }, "echo in"), "in\n")
        const refused = yield* withClient(server, { password: "wrong" }, "echo in")
        assert.strictEqual(refused, "All configured authentication methods failed")
      })
    )

    it.effect("leaves nothing behind: port, processes and folder are gone", () =>
      Effect.gen(function* () {
        const scope = yield* Scope.fork(yield* Effect.scope)
        const server = yield* DropbearServer.make().pipe(Scope.provide(scope))
        const marker = Leaks.marker()
        const command = `setsid sh -c 'sleep 600; :' ${marker} </dev/null >/dev/null 2>&1 & exec sh -c 'sleep 600; :' ${marker}`
        yield* Effect.forkChild(withClient(server, { privateKey: server.key.privateKey }, command))
        yield* Leaks.awaitProcesses(marker, 2)
        yield* Scope.close(scope, Exit.void)
        assert.deepStrictEqual(yield* Leaks.processes(marker), [])
        assert.isTrue(yield* refuses(server.port))
        assert.isFalse(Fs.existsSync(server.tempDir))
      })
    )
  })
})
