import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import * as ServerProcess from "../../src/internal/serverProcess.ts"

describe("serverProcess", () => {
  it.layer(NodeServices.layer)((it) => {
    it.effect("takes another port when the first was taken meanwhile", () =>
      Effect.gen(function* () {
        const file = yield* (yield* FileSystem.FileSystem).makeTempFileScoped()
        const ports: Array<number> = []
        const script = `
          if [ -s "$0" ]; then echo listening >&2; exec sleep 600; fi
          echo 1 >"$0"; echo "Bind failed: Address already in use" >&2; exit 1`
        const server = yield* ServerProcess.make({
          name: "server",
          address: "127.0.0.1",
          command: (port) => {
            ports.push(port)
            return ["/bin/sh", "-c", script, file]
          },
          ready: /^listening$/m
        })
        assert.strictEqual(ports.length, 2)
        assert.strictEqual(server.port, ports[1])
      })
    )

    it.effect("fails with what the server said when it ends at once", () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(
          ServerProcess.make({
            name: "server",
            address: "127.0.0.1",
            command: () => ["/bin/sh", "-c", "echo no such option >&2; exit 1"],
            ready: /^listening$/m
          })
        )
        assert.strictEqual(error.message, "server ended before it listened:\nno such option\n")
      })
    )
  })
})
