import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as Database from "../src/Database.ts"
import * as MemoryStore from "../src/MemoryStore.ts"
import * as SessionEngine from "../src/SessionEngine.ts"
import * as Sessions from "../src/Sessions.ts"
import { SessionStore } from "../src/SessionStore.ts"
import * as SqlStore from "../src/SqlStore.ts"
import { type Act, configOf, fakeMachines } from "./internal/fakeMachines.ts"

const inMemory = (act: Act, options: Sessions.Options = {}) =>
  Sessions.layerWith(options).pipe(
    Layer.provideMerge([MemoryStore.layer, fakeMachines(act), SessionEngine.layerMemory])
  )

const inSqlite = (act: Act, options: Sessions.Options = {}) => {
  const database = Database.sqlite(":memory:")
  return Sessions.layerWith(options).pipe(
    Layer.provideMerge([SqlStore.layer, fakeMachines(act), SessionEngine.layer(database)]),
    Layer.provideMerge(Database.layer(database))
  )
}

describe.each([
  ["memory", inMemory],
  ["SQLite", inSqlite]
])("sessions in %s", (_, layer) => {
  it.live("come to ready, step by step", () => {
    const seen: Array<string> = []
    return Effect.gen(function* () {
      const sessions = yield* Sessions.Sessions
      const store = yield* SessionStore
      yield* sessions.create({ config: configOf("s1") })
      const ready = yield* sessions.settled("s1")
      expect(ready.status).toBe("ready")
      expect(seen).toEqual(["machine", "console", "network", "workspace", "repository", "openCode", "health"])
      expect(ready.workspacePath).toBe("/home/agent/workspaces/s1")
      const events = yield* store.events("s1")
      expect(events.map(({ id }) => id)).toEqual(events.map((_, at) => at + 1))
    }).pipe(Effect.provide(layer((step) => Effect.sync(() => void seen.push(step)))))
  })
})
