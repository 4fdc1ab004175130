/**
 * A worker as it is, but for the machines: each step of a session waits and reports as a machine's would, and does
 * nothing. Prints where it listens and a token.
 */
import { NodeHttpServer, NodeServices } from "@effect/platform-node"
import { Clock, Effect, Layer, Redacted } from "effect"
import { HttpServer } from "effect/http"
import * as Database from "@toehold/bootstrap-service/Database"
import * as SessionEngine from "@toehold/bootstrap-service/SessionEngine"
import { SessionMachines } from "@toehold/bootstrap-service/SessionMachines"
import type { Report } from "@toehold/bootstrap-service/SessionStep"
import * as Sessions from "@toehold/bootstrap-service/Sessions"
import * as SqlStore from "@toehold/bootstrap-service/SqlStore"
import * as ApiTokens from "@toehold/session-api/ApiTokens"
import * as MachineCatalog from "@toehold/session-api/MachineCatalog"
import * as ServiceLog from "@toehold/session-api/ServiceLog"
import * as ServiceMemory from "@toehold/session-api/ServiceMemory"
import * as SessionServer from "@toehold/session-api/SessionServer"
import * as Http from "node:http"

const [file = "", machines = "0", seconds = "0"] = process.argv.slice(2)

ServiceMemory.keepLow()
const database = Database.sqlite(file)

/** The clone is what takes time, and what says something every second. */
const clone = Effect.fnUntraced(function* (report: Report) {
  const end = (yield* Clock.currentTimeMillis) + Number(seconds) * 1000
  for (let percent = 0; (yield* Clock.currentTimeMillis) < end; percent++) {
    yield* report(`Receiving objects: ${percent} %`)
    yield* Effect.sleep("1 second")
  }
  return { commit: "0".repeat(40), branch: "main" }
})

const soon = <A>(value: A) => Effect.delay(Effect.succeed(value), "100 millis")

const fakes = Layer.succeed(SessionMachines, {
  steps: () =>
    Effect.succeed({
      machine: () => soon({ ip: "127.0.0.1" }),
      console: () => soon({ user: "agent", uid: 1000, runAs: "agent", home: "/home/agent" }),
      network: () => soon({ _tag: "Skipped" as const }),
      workspace: () => soon({ path: "/home/agent/workspaces/one", isFallback: false }),
      repository: (_config, _given, report) => clone(report ?? (() => Effect.void)),
      openCode: () => soon({ by: "job" as const, name: "serve", wasRunning: false }),
      health: () => soon({ url: "http://127.0.0.1:4096", version: "1.2.3" }),
      stop: () => Effect.void
    })
})

const catalog = MachineCatalog.layer({
  machines: Object.fromEntries(
    Array.from({ length: Number(machines) }, (_, index) => [`m${index}`, { target: "local:", ip: "127.0.0.1" }])
  )
})

const sessions = Sessions.layer.pipe(
  Layer.provide(SessionEngine.layer(database)),
  Layer.provide(fakes),
  Layer.provideMerge(SqlStore.layer)
)

const announced = Layer.effectDiscard(
  Effect.gen(function* () {
    const { text } = yield* ApiTokens.ApiTokens.use(({ create }) => create({ name: "bench" }))
    const { address } = yield* HttpServer.HttpServer
    process.stdout.write(`${JSON.stringify({ url: HttpServer.formatAddress(address), token: Redacted.value(text) })}\n`)
  })
)

const worker = Layer.mergeAll(
  SessionServer.layer({ version: "bench", requestsPerSecond: 100_000, burst: 100_000, maxStreamsPerToken: 500 }),
  announced
).pipe(
  Layer.provide(NodeHttpServer.layer(() => Http.createServer(), { port: 0, host: "127.0.0.1" })),
  Layer.provide([sessions, catalog]),
  Layer.provide(ApiTokens.layer),
  Layer.provide(Database.layer(database)),
  Layer.provide(ServiceLog.layer(() => undefined)),
  Layer.provide(NodeServices.layer)
)

await Effect.runPromise(Layer.launch(worker))
