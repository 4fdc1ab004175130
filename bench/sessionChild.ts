/**
 * A worker on a file of SQLite whose machines do nothing. `alone`: so many sessions one after the other. `together`: so
 * many at the same time, of which each takes some seconds and reports all the while, and how long reading takes meanwhile.
 */
import { Clock, Effect, Layer } from "effect"
import type { BootstrapError } from "@toehold/bootstrap-service/BootstrapError"
import * as Database from "@toehold/bootstrap-service/Database"
import * as SessionEngine from "@toehold/bootstrap-service/SessionEngine"
import { SessionMachines } from "@toehold/bootstrap-service/SessionMachines"
import * as Sessions from "@toehold/bootstrap-service/Sessions"
import { SessionStore } from "@toehold/bootstrap-service/SessionStore"
import type { Report } from "@toehold/bootstrap-service/SessionStep"
import * as SqlStore from "@toehold/bootstrap-service/SqlStore"
import * as ServiceMemory from "@toehold/session-api/ServiceMemory"
import { timed } from "./rounds.ts"

const [mode, file = "", countText = "0"] = process.argv.slice(2)
const count = Number(countText)

/** Longer than it takes to create them all, so that all are in flight for a while. */
const workSeconds = 30
const reportsASecond = 1

const work = (report?: Report): Effect.Effect<void> =>
  mode === "alone" || report === undefined
    ? Effect.void
    : Effect.forEach(
        Array.from({ length: workSeconds * reportsASecond }, (_, at) => `Receiving objects: ${at}`),
        (message) => Effect.andThen(report(message), Effect.sleep(1000 / reportsASecond)),
        { discard: true }
      )

const machines = Layer.succeed(SessionMachines, {
  steps: () =>
    Effect.succeed({
      machine: () => Effect.succeed({ ip: "10.0.100.20" }),
      console: () => Effect.succeed({ user: "agent", uid: 1000, runAs: "agent", home: "/home/agent" }),
      network: () => Effect.succeed({ _tag: "Skipped" as const }),
      workspace: () => Effect.succeed({ path: "/home/agent/workspaces/x", isFallback: false }),
      repository: (_, __, report) => Effect.as(work(report), { commit: "0".repeat(40) }),
      openCode: () => Effect.succeed({ by: "job" as const, name: "x", wasRunning: false }),
      health: () => Effect.succeed({ url: "http://10.0.100.20:4096" }),
      stop: () => Effect.void
    })
})

const configOf = (sessionId: string) => ({
  sessionId,
  repoUrl: "https://example.org/repo.git",
  vmId: `vm-${sessionId}`
})

const one = Effect.fnUntraced(function* (id: string) {
  const sessions = yield* Sessions.Sessions
  yield* sessions.create({ config: configOf(id) })
  return yield* sessions.settled(id)
})

const alone = Effect.gen(function* () {
  const warmup = 5
  const figures: Array<number> = []
  for (let at = 0; at < count + warmup; at++) {
    const milliseconds = yield* timed(one(`s${at}`))
    if (at >= warmup) figures.push(milliseconds)
  }
  return { figures }
})

const together = Effect.gen(function* () {
  const store = yield* SessionStore
  let megabytes = 0
  const latencies: Array<number> = []
  let ready = 0
  const read = (id: string) =>
    Effect.gen(function* () {
      yield* store.get(id)
      yield* store.list({ limit: 50 })
    })
  const reader = Effect.gen(function* () {
    while (true) {
      latencies.push(yield* timed(read("s0")))
      megabytes = Math.max(megabytes, process.memoryUsage.rss() / 1e6)
      yield* Effect.sleep(20)
    }
  })
  yield* one("first")
  const began = yield* Clock.currentTimeMillis
  const ids = Array.from({ length: count }, (_, at) => `s${at}`)
  const sessions = yield* Sessions.Sessions
  yield* sessions.create({ config: configOf("s0") })
  yield* Effect.raceFirst(
    reader,
    Effect.forEach(
      ids,
      (id) =>
        Effect.gen(function* () {
          if (id !== "s0") yield* sessions.create({ config: configOf(id) })
          const { status } = yield* sessions.settled(id)
          if (status === "ready") ready += 1
        }),
      { concurrency: "unbounded", discard: true }
    )
  )
  const elapsed = (yield* Clock.currentTimeMillis) - began
  return { megabytes, latencies, ready, elapsed }
})

ServiceMemory.keepLow()
const database = Database.sqlite(file)
const layer = Sessions.layer.pipe(
  Layer.provideMerge([SqlStore.layer, machines, SessionEngine.layer(database)]),
  Layer.provideMerge(Database.layer(database))
)
const program: Effect.Effect<object, BootstrapError, Sessions.Sessions | SessionStore> =
  mode === "alone" ? alone : together
const said = await Effect.runPromise(Effect.provide(program, layer))
process.stdout.write(`${JSON.stringify(said)}\n`)
