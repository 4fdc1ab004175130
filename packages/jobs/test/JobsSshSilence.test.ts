import { NodeServices } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Stream } from "effect"
import * as Leaks from "@toehold/lab/Leaks"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import { collect, printing, sha256, site } from "./support/site.ts"

describeWith(["sshd", "private-accounts"], "Jobs over an SSH connection that falls silent", () => {
  it.layer(OpenSshServer.layer().pipe(Layer.provideMerge(NodeServices.layer)), { excludeTestServices: true })((it) => {
    it.effect("are followed on over the next, and over a slow one to the end", () =>
      Effect.gen(function* () {
        const { jobs, proxy, read } = yield* site
        const id = Leaks.marker()
        yield* proxy.set("toClient", { bytesPerSecond: 400_000 })
        yield* jobs.start(printing(id, 12))
        const seen = collect()
        const following = yield* Effect.forkScoped(
          Stream.runForEach(jobs.follow(id, { streams: ["stdout"] }), seen.add)
        )
        while (seen.bytes().length === 0) yield* Effect.sleep("10 millis")
        const { accepted } = yield* proxy.connections
        yield* proxy.set("both", { swallow: true })
        while ((yield* proxy.connections).accepted === accepted) yield* Effect.sleep("100 millis")
        yield* proxy.heal
        yield* proxy.set("toClient", { bytesPerSecond: 400_000 })
        yield* Fiber.join(following)
        assert.strictEqual(sha256(seen.bytes()), sha256(read(id)))
      })
    )
  })
})
