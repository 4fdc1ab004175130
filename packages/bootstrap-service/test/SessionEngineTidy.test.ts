import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Context, Deferred, Effect, Layer, Schedule, type Scope } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { describeWith } from "@toehold/lab/RealPart"
import * as BootstrapError from "../src/BootstrapError.ts"
import * as Database from "../src/Database.ts"
import * as SessionEngine from "../src/SessionEngine.ts"
import * as Sessions from "../src/Sessions.ts"
import * as SqlStore from "../src/SqlStore.ts"
import { type Act, configOf, fakeMachines } from "./support/fakeMachines.ts"
import { sharedPostgres } from "./support/sharedPostgres.ts"

/** A worker that removes at once what it may, until the scope closes. */
const worker = (database: Database.Database, act: Act) =>
  Effect.gen(function* () {
    const engine = SessionEngine.layerWith(database, { keepFor: 0, tidyInterval: "50 millis" })
    const context = yield* Layer.build(
      Layer.fresh(
        Sessions.layer.pipe(
          Layer.provideMerge([SqlStore.layer, fakeMachines(act), engine]),
          Layer.provideMerge(Layer.fresh(Database.layer(database)))
        )
      )
    )
    const sql = Context.get(context, SqlClient.SqlClient)
    const count = (table: string) =>
      Effect.map(sql<{ n: number | string }>`SELECT COUNT(*) AS n FROM ${sql(table)}`, ([row]) => Number(row?.n))
    const rows: Effect.Effect<readonly [messages: number, replies: number], SqlError.SqlError> = Effect.all([
      count("toehold_cluster_messages"),
      count("toehold_cluster_replies")
    ])
    return { sessions: Context.get(context, Sessions.Sessions), rows }
  })

/** Waits until the engine has so many messages and replies. */
const expectRows = (
  rows: Effect.Effect<readonly [number, number], SqlError.SqlError>,
  messages: number,
  replies: number
) =>
  rows.pipe(
    Effect.repeat({
      until: ([some, others]) => some === messages && others === replies,
      schedule: Schedule.max([Schedule.spaced("50 millis"), Schedule.recurs(200)])
    }),
    Effect.map((found) => expect(found).toEqual([messages, replies]))
  )

const cases = (makeDatabase: Effect.Effect<Database.Database, never, Scope.Scope>) => {
  it.live("keeps one row of a session that is over, and none of one that is removed", () =>
    Effect.gen(function* () {
      const database = yield* makeDatabase
      const begun = yield* Deferred.make<void>()
      const goOn = yield* Deferred.make<void>()
      const { rows, sessions } = yield* worker(database, (step, { sessionId }) =>
        sessionId === "slow" && step === "repository"
          ? Effect.andThen(Deferred.succeed(begun, undefined), Deferred.await(goOn))
          : Effect.void
      )
      yield* sessions.create({ config: configOf("slow") })
      yield* Deferred.await(begun)
      const [running] = yield* rows
      for (const id of ["a", "b", "c"]) yield* sessions.create({ config: configOf(id) })
      for (const id of ["a", "b", "c"]) expect((yield* sessions.settled(id)).status).toBe("ready")
      // Of the one that runs everything is there: the run, its waiting and the steps so far, of which one is not answered.
      expect(running).toBeGreaterThan(3)
      yield* expectRows(rows, running + 3, running - 2 + 3)
      yield* sessions.remove("a")
      yield* expectRows(rows, running + 2, running - 2 + 2)
      yield* Deferred.succeed(goOn, undefined)
      expect((yield* sessions.settled("slow")).status).toBe("ready")
      yield* expectRows(rows, 3, 3)
      yield* sessions.archive("b")
      yield* sessions.remove("b")
      yield* expectRows(rows, 2, 2)
    }).pipe(Effect.scoped)
  )

  it.live("begins nothing again that was done, after its rows are gone", () =>
    Effect.gen(function* () {
      const database = yield* makeDatabase
      const seen: Array<string> = []
      let isThere = false
      const act: Act = (step, { sessionId }) =>
        Effect.suspend(() => {
          seen.push(`${sessionId} ${step}`)
          return sessionId === "b" && step === "repository" && !isThere
            ? Effect.fail(BootstrapError.make(new BootstrapError.GitMissing({})))
            : Effect.void
        })
      yield* Effect.gen(function* () {
        const { rows, sessions } = yield* worker(database, act)
        yield* sessions.create({ config: configOf("a") })
        yield* sessions.create({ config: configOf("b") })
        expect((yield* sessions.settled("a")).status).toBe("ready")
        expect((yield* sessions.settled("b")).status).toBe("error")
        yield* expectRows(rows, 2, 2)
        isThere = true
        yield* sessions.retry("b")
        expect((yield* sessions.settled("b")).status).toBe("ready")
        // The first run is nobody's any more.
        yield* expectRows(rows, 2, 2)
      }).pipe(Effect.scoped)
      const before = seen.length
      const { rows, sessions } = yield* worker(database, act)
      yield* Effect.sleep("500 millis")
      expect(seen.slice(before)).toEqual([])
      yield* expectRows(rows, 2, 2)
      yield* sessions.archive("a")
      yield* sessions.remove("a")
      expect(seen.slice(before)).toEqual(["a stop"])
      yield* expectRows(rows, 1, 1)
    }).pipe(Effect.scoped)
  )
}

describe("what the engine keeps on SQLite", () =>
  cases(
    Effect.map(
      Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "toehold-tidy-"))),
        (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
      ),
      (folder) => Database.sqlite(join(folder, "sessions.db"))
    )
  ))

describeWith(["postgres", "setpriv"], "what the engine keeps on PostgreSQL", () => {
  const { freshDatabase } = sharedPostgres()
  cases(Effect.map(freshDatabase, Database.postgres))
})
