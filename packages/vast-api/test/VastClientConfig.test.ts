import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, FileSystem, Layer } from "effect"
import { FetchHttpClient } from "effect/http"
import * as VastClient from "../src/VastClient.ts"
import { play, Server, serverLayer } from "./support/server.ts"

const platform = Layer.mergeAll(serverLayer, FetchHttpClient.layer, NodeServices.layer)

/** The key that the client sends, with this environment and these files in its home. */
const sentKey = (env: Readonly<Record<string, string>>, files: Readonly<Record<string, string>>) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const server = yield* Server
    const home = yield* fs.makeTempDirectoryScoped()
    yield* fs.makeDirectory(`${home}/.config/vastai`, { recursive: true })
    for (const [name, text] of Object.entries(files)) yield* fs.writeFileString(`${home}/${name}`, text)
    yield* server.use(play("70"))
    const config = ConfigProvider.layer(
      ConfigProvider.fromUnknown({ HOME: home, VAST_URL: `${server.url}/api/v0/`, ...env })
    )
    const client = yield* Effect.provide(VastClient.VastClient, Layer.provide(VastClient.layerConfig(), config))
    yield* client.user
    return (yield* server.seen)[0]?.authorization
  })

const file = ".config/vastai/vast_api_key"

describe("VastClient.layerConfig", () => {
  it.layer(platform, { excludeTestServices: true })((it) => {
    it.effect("takes the key from the environment first, then from the official client's files", () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* sentKey({ VAST_API_KEY: "from-env\n" }, { [file]: "from-file" }), "Bearer from-env")
        assert.strictEqual(yield* sentKey({}, { [file]: "from-file\n", ".vast_api_key": "old" }), "Bearer from-file")
        assert.strictEqual(yield* sentKey({}, { [file]: "", ".vast_api_key": "old" }), "Bearer old")
      })
    )

    it.effect("takes no file for a key that can't be one", () =>
      Effect.gen(function* () {
        for (const text of ["two\nlines", "x".repeat(5000), "\u0000"]) {
          const error = yield* Effect.flip(sentKey({}, { [file]: text }))
          assert.isTrue(error._tag === "VastError" && error.reason._tag === "KeyMissing")
        }
      })
    )
  })
})
