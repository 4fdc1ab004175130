import { NodeServices } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { Effect, Exit, Redacted, Scope } from "effect"
import * as PostgresServer from "@toehold/lab/PostgresServer"
import { describeWith } from "@toehold/lab/RealPart"
import { refuses } from "./support/clients.ts"

describeWith(["postgres", "setpriv"], "PostgresServer", () => {
  it.layer(NodeServices.layer)((it) => {
    it.effect("starts, makes databases, starts again and leaves no listener behind", () =>
      Effect.gen(function* () {
        const scope = yield* Scope.fork(yield* Effect.scope)
        const server = yield* Scope.provide(PostgresServer.make(), scope)
        const first = new URL(Redacted.value(yield* server.freshDatabase))
        const second = new URL(Redacted.value(yield* server.freshDatabase))
        assert.notStrictEqual(first.pathname, second.pathname)
        assert.isFalse(yield* refuses(server.port))
        yield* server.stop
        assert.isTrue(yield* refuses(server.port))
        yield* server.restart
        assert.isFalse(yield* refuses(server.port))
        yield* Scope.close(scope, Exit.void)
        assert.isTrue(yield* refuses(server.port))
      })
    )
  })
})
