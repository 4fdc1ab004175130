import { closeSync, openSync } from "node:fs"
import { Effect, type Scope, Semaphore, Stream } from "effect"
import type { Reactivity } from "effect/reactivity"
import { SqlClient, type SqlConnection, SqlError, Statement } from "effect/sql"

/** How many prepared statements are kept: there are a few dozen different ones. */
const maxStatements = 200

const failed = (cause: unknown, operation: string): SqlError.SqlError =>
  new SqlError.SqlError({ reason: SqlError.classifySqliteError(renamed(cause), { message: textOf(cause), operation }) })

/** `node:sqlite` has SQLite's number in `errcode`, where the classification looks in `errno`. */
const renamed = (cause: unknown): unknown =>
  cause instanceof Error && "errcode" in cause ? { message: cause.message, errno: cause.errcode } : cause

const textOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

type Param = null | number | bigint | string | Uint8Array

const paramOf = (value: unknown): Param => {
  switch (typeof value) {
    case "string":
    case "number":
    case "bigint":
      return value
    case "boolean":
      return value ? 1 : 0
    default:
      return value instanceof Uint8Array ? value : value instanceof Date ? value.toISOString() : null
  }
}

/** A client on a file (or `:memory:`) by Node's own SQLite. The file is made where there is none, for its owner alone. */
export const makeSqliteClient = Effect.fnUntraced(function* (
  file: string
): Effect.fn.Return<SqlClient.SqlClient, SqlError.SqlError, Scope.Scope | Reactivity.Reactivity> {
  const sqlite = yield* Effect.tryPromise({
    try: () => import("node:sqlite"),
    catch: (cause) => failed(cause, "load node:sqlite")
  })
  const database = yield* Effect.acquireRelease(
    Effect.try({
      try: () => {
        if (file !== ":memory:") closeSync(openSync(file, "a", 0o600))
        const opened = new sqlite.DatabaseSync(file, { timeout: 5000 })
        opened.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
        return opened
      },
      catch: (cause) => failed(cause, "open")
    }),
    (opened) => Effect.sync(() => opened.close())
  )

  const statements = new Map<string, ReturnType<typeof database.prepare>>()
  const statementOf = (text: string) => {
    const found = statements.get(text)
    if (found !== undefined) return found
    const made = database.prepare(text)
    if (statements.size >= maxStatements) statements.clear()
    statements.set(text, made)
    return made
  }

  const rowsOf = (
    text: string,
    params: ReadonlyArray<unknown>
  ): Effect.Effect<ReadonlyArray<object>, SqlError.SqlError> =>
    Effect.try({
      try: () => statementOf(text).all(...params.map(paramOf)),
      catch: (cause) => failed(cause, "execute")
    })

  const connection: SqlConnection.Connection = {
    execute: (text, params, transform) =>
      transform === undefined ? rowsOf(text, params) : Effect.map(rowsOf(text, params), transform),
    executeRaw: (text, params) => rowsOf(text, params),
    executeValues: (text, params) => Effect.map(rowsOf(text, params), (rows) => rows.map((row) => Object.values(row))),
    executeValuesUnprepared: (text, params) =>
      Effect.map(rowsOf(text, params), (rows) => rows.map((row) => Object.values(row))),
    executeUnprepared: (text, params, transform) => connection.execute(text, params, transform),
    executeStream: (text, params, transform) => Stream.fromIterableEffect(connection.execute(text, params, transform))
  }

  return yield* SqlClient.make({
    ...SqlClient.makeSqliteAcquirers({
      connection: Effect.succeed(connection),
      semaphore: yield* Semaphore.make(1),
      isTransaction: () => database.isTransaction
    }),
    compiler: Statement.makeCompilerSqlite(),
    // To take the lock first: a transaction that reads and then writes would fail when another process was between.
    beginTransaction: "BEGIN IMMEDIATE",
    driver: "sqlite",
    spanAttributes: [["db.system.name", "sqlite"]]
  })
})
