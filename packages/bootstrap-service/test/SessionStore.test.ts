import { describe } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { describeWith } from "@toehold/lab/RealPart"
import * as Database from "../src/Database.ts"
import * as MemoryStore from "../src/MemoryStore.ts"
import * as SqlStore from "../src/SqlStore.ts"
import { storeSuite } from "./support/storeSuite.ts"
import { sharedPostgres } from "./support/sharedPostgres.ts"

describe("MemoryStore", () => storeSuite(MemoryStore.layer))

describe("SqlStore on SQLite", () =>
  storeSuite(SqlStore.layer.pipe(Layer.provide(Database.layer(Database.sqlite(":memory:"))))))

describeWith(["postgres", "setpriv"], "SqlStore on PostgreSQL", () => {
  const { freshDatabase } = sharedPostgres()
  storeSuite(
    Layer.unwrap(
      Effect.map(freshDatabase, (url) => SqlStore.layer.pipe(Layer.provide(Database.layer(Database.postgres(url)))))
    )
  )
})
