import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Option, Redacted, Result, Stream } from "effect"
import { describeWith } from "@toehold/lab/RealPart"
import * as Database from "../src/Database.ts"
import { SessionStore } from "../src/SessionStore.ts"
import * as SqlStore from "../src/SqlStore.ts"
import { configOf } from "./support/fakeMachines.ts"
import { sharedPostgres } from "./support/sharedPostgres.ts"
import { until } from "./support/until.ts"

/** A store of a process of its own, as far as the database can tell. */
const storeOn = (database: Database.Database, secretKey?: string) =>
  Effect.map(
    Layer.build(
      Layer.fresh(
        SqlStore.layerWith({
          pollInterval: "50 millis",
          secretKey: secretKey === undefined ? undefined : Redacted.make(secretKey)
        }).pipe(Layer.provide(Layer.fresh(Database.layer(database))))
      )
    ),
    (context) => Context.get(context, SessionStore)
  )

const file = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "toehold-store-"))),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  ),
  (folder) => join(folder, "sessions.db")
)

const secret = Redacted.make("a token that nobody may read")

describe("SqlStore", () => {
  it.live("keeps sessions over a restart, in a file that is its owner's alone", () =>
    Effect.gen(function* () {
      const path = yield* file
      const made = yield* Effect.scoped(
        Effect.flatMap(storeOn(Database.sqlite(path)), (store) => store.create({ config: configOf("a") }))
      )
      const store = yield* storeOn(Database.sqlite(path))
      expect(yield* store.get("a")).toEqual(made)
      for (const name of [path, `${path}-wal`]) expect(statSync(name).mode & 0o777).toBe(0o600)
    }).pipe(Effect.scoped)
  )

  it.live("moves what is written from the log into the file while it goes on", () =>
    Effect.gen(function* () {
      const path = yield* file
      const store = yield* storeOn(Database.sqlite(path))
      const before = statSync(path).size
      yield* Effect.forEach(
        Array.from({ length: 200 }, (_, at) => `s${at}`),
        (id) => store.create({ config: configOf(id) }),
        { concurrency: "unbounded", discard: true }
      )
      // A row of a session is some hundred bytes.
      yield* until(() => statSync(path).size > before + 50_000)
      yield* store.update("s0", { message: "still there" })
      expect((yield* store.get("s0")).message).toBe("still there")
    }).pipe(Effect.scoped)
  )

  it.live("encrypts secrets under a key, which alone can read them", () =>
    Effect.gen(function* () {
      const path = yield* file
      const database = Database.sqlite(path)
      yield* Effect.scoped(
        Effect.gen(function* () {
          const store = yield* storeOn(database, "a key")
          yield* store.create({ config: configOf("a", { openCodePassword: secret }) })
          const { openCodePassword } = yield* store.secrets("a")
          expect(Option.map(Option.fromUndefinedOr(openCodePassword), Redacted.value)).toEqual(
            Option.some(Redacted.value(secret))
          )
        })
      )
      expect(readFileSync(path).includes(Redacted.value(secret))).toBe(false)
      for (const key of ["another key", undefined]) {
        const store = yield* storeOn(database, key)
        expect((yield* Effect.flip(store.secrets("a"))).reason._tag).toBe("SecretsUnreadable")
      }
    }).pipe(Effect.scoped)
  )

  it.live("says what is wrong with a database that can't be opened", () =>
    Effect.gen(function* () {
      for (const database of ["/nonexistent/folder/x.db", "postgres://me:pass@127.0.0.1:1/none"]) {
        const error = yield* Effect.flip(Effect.scoped(storeOn(Result.getOrThrow(Database.parse(database)))))
        expect(error.reason._tag).toBe("StoreFailed")
        expect(error.message).not.toContain("pass@")
      }
    })
  )
})

describe("Database.parse", () => {
  it.each([
    ["postgres://u:p@h:5432/db", "postgres"],
    ["postgresql://h/db", "postgres"],
    ["/var/lib/toehold/sessions.db", "sqlite"],
    ["sessions.db", "sqlite"],
    [":memory:", "sqlite"],
    ["mysql://h/db", "InvalidConfig"],
    ["postgres://u:p@:bad/", "InvalidConfig"],
    ["", "InvalidConfig"],
    ["a\0b", "InvalidConfig"]
  ])("takes %j as %s", (text, kind) => {
    const parsed = Database.parse(text)
    expect(Result.isSuccess(parsed) ? parsed.success.kind : parsed.failure.reason._tag).toBe(kind)
  })
})

describeWith(["postgres", "setpriv"], "stores on one PostgreSQL", () => {
  const { freshDatabase, server } = sharedPostgres()

  it.live("make its tables together, see each other's changes and lose none", () =>
    Effect.gen(function* () {
      const database = Database.postgres(yield* freshDatabase)
      const stores = yield* Effect.all([storeOn(database), storeOn(database), storeOn(database)], {
        concurrency: "unbounded"
      })
      const [first, second] = stores
      yield* first.create({ config: configOf("a") })
      const story = yield* second.watch("a").pipe(
        Stream.takeUntil(({ status }) => status === "archived"),
        Stream.runCollect,
        Effect.forkChild
      )
      const waiting = yield* Effect.forkChild(second.waitFor("a", ({ run }) => run === 91))
      yield* Effect.forEach(
        Array.from({ length: 90 }, (_, at) => stores[at % stores.length] ?? first),
        (store) => store.modify("a", (session) => Option.some({ run: session.run + 1 })),
        { concurrency: "unbounded" }
      )
      expect((yield* Fiber.join(waiting)).run).toBe(91)
      yield* Effect.all(
        stores.map((store, at) =>
          at === 0
            ? store.update("a", { status: "archived" })
            : store.update("a", { status: "ready" }, { ifStatus: "creating" })
        ),
        { concurrency: "unbounded" }
      )
      const events = yield* Fiber.join(story)
      expect(events.map(({ id }) => id)).toEqual(events.map((_, at) => at + 1))
      for (const store of stores) expect((yield* store.get("a")).status).toBe("archived")
    }).pipe(Effect.scoped)
  )

  it.live("fail while the server is away, and go on when it is back", () =>
    Effect.gen(function* () {
      const store = yield* storeOn(Database.postgres(yield* freshDatabase))
      yield* store.create({ config: configOf("a") })
      const { restart, stop } = yield* server
      yield* stop
      const error = yield* Effect.flip(store.update("a", { message: "lost" }))
      expect([error.reason._tag, error.isRetryable]).toEqual(["StoreFailed", true])
      yield* restart
      yield* store.update("a", { message: "kept" })
      expect((yield* store.get("a")).message).toBe("kept")
    }).pipe(Effect.scoped)
  )
})
