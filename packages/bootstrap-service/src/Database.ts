/**
 * The database that sessions are kept in: a file of SQLite, or a PostgreSQL server.
 *
 * @since 0.1.0
 */
import { Effect, Layer, Redacted, Result } from "effect"
import { Reactivity } from "effect/reactivity"
import { SqlClient } from "effect/sql"
import * as BootstrapError from "./BootstrapError.ts"
import { makePostgresClient } from "./internal/postgresClient.ts"
import { makeSqliteClient } from "./internal/sqliteClient.ts"
import { storeFailed } from "./internal/storeFailed.ts"

/**
 * Where it is. Of a PostgreSQL server the URL (libpq, "Connection URIs") holds a password.
 *
 * @since 0.1.0
 * @category models
 */
export type Database =
  | { readonly kind: "sqlite"; readonly file: string }
  | { readonly kind: "postgres"; readonly url: Redacted.Redacted<string> }

/**
 * A file of SQLite, made where there is none; `:memory:` is one that ends with the program.
 *
 * @since 0.1.0
 * @category constructors
 */
export const sqlite = (file: string): Database => ({ kind: "sqlite", file })

/**
 * A database of a PostgreSQL server, 14 or later.
 *
 * @since 0.1.0
 * @category constructors
 */
export const postgres = (url: Redacted.Redacted<string>): Database => ({ kind: "postgres", url })

/**
 * What a person gives as one: `postgres://…` or `postgresql://…`, or the path of a file.
 *
 * @since 0.1.0
 * @category constructors
 */
export const parse = (text: string): Result.Result<Database, BootstrapError.BootstrapError> => {
  if (/^postgres(ql)?:\/\//i.test(text)) {
    return URL.canParse(text)
      ? Result.succeed(postgres(Redacted.make(text, { label: "database URL" })))
      : Result.fail(invalid("it is no URL"))
  }
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return Result.fail(invalid("it must be postgres:// or a file"))
  return text.trim() === "" || text.includes("\0") ? Result.fail(invalid("it is empty")) : Result.succeed(sqlite(text))
}

const invalid = (detail: string) => BootstrapError.make(new BootstrapError.InvalidConfig({ field: "database", detail }))

/**
 * A client of the database, until the layer's scope closes. `StoreFailed` where it can't be opened.
 *
 * **Gotchas**
 *
 * `sqlite` needs a Node that has `node:sqlite` (22.13 or later).
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (database: Database): Layer.Layer<SqlClient.SqlClient, BootstrapError.BootstrapError> =>
  Layer.effect(
    SqlClient.SqlClient,
    Effect.mapError(
      database.kind === "sqlite" ? makeSqliteClient(database.file) : makePostgresClient(database.url),
      (error) => storeFailed(error, "the database can't be opened")
    )
  ).pipe(Layer.provide(Reactivity.layer))
