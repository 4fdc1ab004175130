import { NodeServices } from "@effect/platform-node"
import { Effect, Layer, ManagedRuntime, type Redacted } from "effect"
import * as PostgresServer from "@toehold/lab/PostgresServer"
import { afterAll } from "vitest"

/** One server for all tests of a file; each asks for a database of its own. */
export const sharedPostgres = () => {
  const runtime = ManagedRuntime.make(PostgresServer.layer.pipe(Layer.provide(NodeServices.layer)))
  afterAll(() => runtime.dispose())
  const server = Effect.promise(() => runtime.runPromise(PostgresServer.PostgresServer.use(Effect.succeed)))
  const freshDatabase: Effect.Effect<Redacted.Redacted<string>> = Effect.flatMap(server, ({ freshDatabase }) =>
    Effect.orDie(freshDatabase)
  )
  return { server, freshDatabase }
}
