import { Effect, Redacted, type Scope, Semaphore, Stream } from "effect"
import type { Reactivity } from "effect/reactivity"
import { SqlClient, type SqlConnection, SqlError, Statement } from "effect/sql"
import type { Pool, PoolClient } from "pg"

const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : ""

const constraintOf = (cause: unknown): string =>
  cause instanceof Error && "constraint" in cause && typeof cause.constraint === "string" ? cause.constraint : "unknown"

/** By SQLSTATE (PostgreSQL, appendix A); what has none went wrong on the way to the server. */
const reasonOf = (cause: unknown, operation: string): SqlError.SqlErrorReason => {
  const code = codeOf(cause)
  const fields = { cause, message: cause instanceof Error ? cause.message : String(cause), operation }
  if (!/^[0-9A-Z]{5}$/.test(code)) return new SqlError.ConnectionError(fields)
  if (code === "23505") return new SqlError.UniqueViolation({ ...fields, constraint: constraintOf(cause) })
  if (code === "40001") return new SqlError.SerializationError(fields)
  if (code === "40P01") return new SqlError.DeadlockError(fields)
  if (code === "42501") return new SqlError.AuthorizationError(fields)
  if (code === "55P03") return new SqlError.LockTimeoutError(fields)
  if (code === "57014") return new SqlError.StatementTimeoutError(fields)
  switch (code.slice(0, 2)) {
    case "08":
    case "53":
    case "57":
      return new SqlError.ConnectionError(fields)
    case "23":
      return new SqlError.ConstraintError(fields)
    case "28":
      return new SqlError.AuthenticationError(fields)
    case "42":
      return new SqlError.SqlSyntaxError(fields)
    default:
      return new SqlError.UnknownError(fields)
  }
}

const failed = (cause: unknown, operation: string) => new SqlError.SqlError({ reason: reasonOf(cause, operation) })

/** One connection of the pool for as long as the scope lasts. */
const lease = (pool: Pool): Effect.Effect<SqlConnection.Connection, SqlError.SqlError, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.map(
        Effect.tryPromise({ try: () => pool.connect(), catch: (cause) => failed(cause, "connect") }),
        (client): Leased => ({ client, turn: Semaphore.makeUnsafe(1), isUsable: true })
      ),
      // A query that somebody gave up goes on: nobody else may get its connection.
      (leased) => Effect.sync(() => leased.client.release(!leased.isUsable))
    ),
    connectionOn
  )

interface Leased {
  readonly client: PoolClient
  /** One query at a time: the server answers them one after the other in any case. */
  readonly turn: Semaphore.Semaphore
  isUsable: boolean
}

const connectionOn = (leased: Leased): SqlConnection.Connection => {
  const ask = <Row>(text: string, params: ReadonlyArray<unknown>, rowMode?: "array") =>
    Effect.callback<ReadonlyArray<Row>, SqlError.SqlError>((resume) => {
      const query = { text, values: [...params], ...(rowMode === undefined ? {} : { rowMode }) }
      leased.client.query(query).then(
        // What the rows are made of is the statement's affair.
        (result) => resume(Effect.succeed(result.rows as ReadonlyArray<Row>)),
        (cause: unknown) => {
          const error = failed(cause, "execute")
          if (error.reason._tag === "ConnectionError") leased.isUsable = false
          resume(Effect.fail(error))
        }
      )
      return Effect.sync(() => {
        leased.isUsable = false
      })
    }).pipe(leased.turn.withPermit)
  const execute: SqlConnection.Connection["execute"] = (text, params, transform) =>
    transform === undefined ? ask<object>(text, params) : Effect.map(ask<object>(text, params), transform)
  const values = (text: string, params: ReadonlyArray<unknown>) => ask<ReadonlyArray<unknown>>(text, params, "array")
  return {
    execute,
    executeRaw: (text, params) => ask(text, params),
    executeValues: values,
    executeValuesUnprepared: values,
    executeUnprepared: execute,
    executeStream: (text, params, transform) => Stream.fromIterableEffect(execute(text, params, transform))
  }
}

const escape = Statement.defaultEscape('"')

/** A client on a pool of connections by the `pg` package. */
export const makePostgresClient = Effect.fnUntraced(function* (
  url: Redacted.Redacted<string>
): Effect.fn.Return<SqlClient.SqlClient, SqlError.SqlError, Scope.Scope | Reactivity.Reactivity> {
  const { default: Pg } = yield* Effect.tryPromise({
    try: () => import("pg"),
    catch: (cause) => failed(cause, "load pg")
  })
  const pool = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const made = new Pg.Pool({
        connectionString: Redacted.value(url),
        application_name: "toehold",
        connectionTimeoutMillis: 10_000,
        keepAlive: true,
        max: 10
      })
      // An idle connection that breaks is replaced when the next is needed; without a listener it would end the process.
      made.on("error", () => undefined)
      return made
    }),
    (made) => Effect.ignore(Effect.tryPromise({ try: () => made.end(), catch: (cause) => failed(cause, "close") }))
  )
  const client = yield* SqlClient.make({
    acquirer: lease(pool),
    compiler: Statement.makeCompiler({
      dialect: "pg",
      placeholder: (index) => `$${index}`,
      onIdentifier: (name) => escape(name),
      onRecordUpdate: (placeholders, alias, columns, values, returning) => [
        `(values ${placeholders}) AS ${alias}${columns}${returning === undefined ? "" : ` RETURNING ${returning[0]}`}`,
        [...values.flat(), ...(returning?.[1] ?? [])]
      ],
      onCustom: () => ["", []]
    }),
    driver: "pg",
    spanAttributes: [["db.system.name", "postgresql"]]
  })
  // To learn now, not in the middle of a session, that there is no way to the server.
  yield* client`SELECT 1`
  return client
})
