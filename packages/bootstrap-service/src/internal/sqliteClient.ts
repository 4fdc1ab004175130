import { closeSync, openSync } from "node:fs"
import { Effect, type Scope, Semaphore, Stream } from "effect"
import type { Reactivity } from "effect/reactivity"
import { SqlClient, type SqlConnection, SqlError, Statement } from "effect/sql"
import { checkpoints } from "./sqliteCheckpoints.ts"

/** How many prepared statements are kept, those that were used last: there are a few dozen different ones. */
const maxStatements = 200

/** Pages that the log may have before this connection moves them into the file itself: the thread beside it is far behind. */
const maxLogPages = 8000
const maxLogBytes = 16 * 1024 * 1024

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

const valuesOf = (rows: ReadonlyArray<object>) => rows.map((row) => Object.values(row))

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
        opened.exec(
          `PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
           PRAGMA wal_autocheckpoint = ${maxLogPages}; PRAGMA journal_size_limit = ${maxLogBytes}`
        )
        return opened
      },
      catch: (cause) => failed(cause, "open")
    }),
    (opened) => Effect.sync(() => opened.close())
  )

  if (file !== ":memory:") yield* checkpoints(file)

  const statements = new Map<string, ReturnType<typeof database.prepare>>()
  const statementOf = (text: string) => {
    const found = statements.get(text)
    // The last in the map is the one that was used last.
    if (found !== undefined) statements.delete(text)
    const statement = found ?? database.prepare(text)
    statements.set(text, statement)
    if (statements.size > maxStatements) {
      const [oldest] = statements.keys()
      if (oldest !== undefined) statements.delete(oldest)
    }
    return statement
  }

  type Rows = Effect.Effect<ReadonlyArray<object>, SqlError.SqlError>
  const rowsBy = (find: typeof statementOf, text: string, params: ReadonlyArray<unknown>): Rows =>
    Effect.try({
      try: () => find(text).all(...params.map(paramOf)),
      catch: (cause) => failed(cause, "execute")
    })
  const rowsOf = (text: string, params: ReadonlyArray<unknown>): Rows => rowsBy(statementOf, text, params)
  // Of a statement that is a new one each time, with its values in its text, nothing is kept.
  const rowsOnce = (text: string, params: ReadonlyArray<unknown>): Rows =>
    rowsBy((one) => database.prepare(one), text, params)

  const connection: SqlConnection.Connection = {
    execute: (text, params, transform) =>
      transform === undefined ? rowsOf(text, params) : Effect.map(rowsOf(text, params), transform),
    executeRaw: (text, params) => rowsOf(text, params),
    executeValues: (text, params) => Effect.map(rowsOf(text, params), valuesOf),
    executeValuesUnprepared: (text, params) => Effect.map(rowsOnce(text, params), valuesOf),
    executeUnprepared: (text, params, transform) =>
      transform === undefined ? rowsOnce(text, params) : Effect.map(rowsOnce(text, params), transform),
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
    prepareTransactionControls: true,
    driver: "sqlite",
    spanAttributes: [["db.system.name", "sqlite"]]
  })
})
