/**
 * The bearer tokens of the session API, kept as hashes in the worker's database.
 *
 * @since 0.1.0
 */
import { Clock, Context, DateTime, Duration, Effect, Layer, Option, Redacted, Schema } from "effect"
import { Migrator, SqlClient, SqlSchema } from "effect/sql"
import { ApiToken } from "./internal/apiToken.ts"
import { Scope } from "./internal/scope.ts"
import * as tokenText from "./internal/tokenText.ts"
import * as SessionApiError from "./SessionApiError.ts"

export * from "./internal/apiToken.ts"
export * from "./internal/scope.ts"

/**
 * @since 0.1.0
 * @category models
 */
export interface CreateOptions {
  /** What the token is for, in a person's words. */
  readonly name: string
  /** Whose sessions it sees. Default: the name. */
  readonly owner?: string | undefined
  /** Default: all but `admin`. */
  readonly scopes?: ReadonlyArray<Scope> | undefined
  /** For how long it is accepted. Default: until it is revoked. */
  readonly lifetime?: Duration.Input | undefined
}

/**
 * The service. Each call reads the database anew, so that a token that is revoked in one process is refused by all.
 *
 * Fails with `Unavailable` when the database does not answer.
 *
 * @since 0.1.0
 * @category services
 */
export class ApiTokens extends Context.Service<
  ApiTokens,
  {
    /** Makes a token. Its text is handed out here and never again. Fails with `InvalidRequest` for an unfit name. */
    readonly create: (
      options: CreateOptions
    ) => Effect.Effect<{ readonly text: Redacted.Redacted; readonly token: ApiToken }, SessionApiError.SessionApiError>
    /** Every token, the newest first. */
    readonly list: Effect.Effect<ReadonlyArray<ApiToken>, SessionApiError.SessionApiError>
    /** Has a token refused from now on; one that is revoked stays so. Fails with `NotFound`. */
    readonly revoke: (id: string) => Effect.Effect<ApiToken, SessionApiError.SessionApiError>
    /** The token that a text belongs to, if it is known, not revoked and not expired. */
    readonly verify: (
      text: Redacted.Redacted
    ) => Effect.Effect<Option.Option<ApiToken>, SessionApiError.SessionApiError>
    /** How many tokens would be accepted now. */
    readonly count: Effect.Effect<number, SessionApiError.SessionApiError>
  }
>()("@toehold/session-api/ApiTokens") {}

/**
 * What a token may do unless told otherwise: everything of its owner's.
 *
 * @since 0.1.0
 * @category constants
 */
export const defaultScopes: ReadonlyArray<Scope> = ["sessions:read", "sessions:write", "machines:read"]

const Row = Schema.Struct({
  id: Schema.String,
  name: Schema.String,
  owner: Schema.String,
  hash: Schema.String,
  scopes: Schema.fromJsonString(Schema.Array(Scope)),
  created_at: Schema.DateTimeUtcFromString,
  expires_at: Schema.NullOr(Schema.DateTimeUtcFromString),
  last_used_at: Schema.NullOr(Schema.DateTimeUtcFromString),
  revoked_at: Schema.NullOr(Schema.DateTimeUtcFromString)
})

const tokenOf = (row: typeof Row.Type): ApiToken =>
  new ApiToken({
    id: row.id,
    name: row.name,
    owner: row.owner,
    scopes: row.scopes,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
    revokedAt: row.revoked_at
  })

// Times are texts in UTC of one length: they sort as times do, in every database.
const migrate = Migrator.make({})({
  table: "toehold_api_migrations",
  loader: Migrator.fromRecord({
    "0001_create_tokens": Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`
        CREATE TABLE toehold_api_tokens (
          id VARCHAR(16) PRIMARY KEY,
          name TEXT NOT NULL,
          owner TEXT NOT NULL,
          hash VARCHAR(64) NOT NULL,
          scopes TEXT NOT NULL,
          created_at VARCHAR(24) NOT NULL,
          expires_at VARCHAR(24),
          last_used_at VARCHAR(24),
          revoked_at VARCHAR(24)
        )
      `
    })
  })
})

const fitName = /^[\p{L}\p{N}][\p{L}\p{N} ._@/-]{0,99}$/u

/** A token that is in use is marked so once in this time, not at each call. */
const markEvery = 60_000

const databaseFailed = (): SessionApiError.SessionApiError =>
  SessionApiError.make(new SessionApiError.Unavailable({ detail: "The database does not answer." }))

const guard = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, SessionApiError.SessionApiError, R> =>
  effect.pipe(
    Effect.tapError((error) => Effect.logError("The tokens can't be read or written", { error: String(error) })),
    Effect.mapError(databaseFailed)
  )

const checkName = (path: string, name: string): Effect.Effect<void, SessionApiError.SessionApiError> =>
  fitName.test(name)
    ? Effect.void
    : Effect.fail(
        SessionApiError.make(
          new SessionApiError.InvalidRequest({
            issues: [
              {
                path,
                message: "a name is 1 to 100 letters, digits, blanks and ._@/-, and begins with a letter or digit"
              }
            ]
          })
        )
      )

/**
 * The tokens in the database of the `SqlClient`, whose table is made where it is missing.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: Effect.Effect<ApiTokens["Service"], SessionApiError.SessionApiError, SqlClient.SqlClient> =
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* guard(Effect.provideService(migrate, SqlClient.SqlClient, sql))

    const rowsOf = SqlSchema.findAll({
      Request: Schema.Void,
      Result: Row,
      execute: () => sql`SELECT * FROM toehold_api_tokens ORDER BY created_at DESC, id`
    })
    const rowOf = SqlSchema.findOneOption({
      Request: Schema.String,
      Result: Row,
      execute: (id) => sql`SELECT * FROM toehold_api_tokens WHERE id = ${id}`
    })

    const create = Effect.fn("ApiTokens.create")(function* (options: CreateOptions) {
      const owner = options.owner ?? options.name
      yield* checkName("name", options.name)
      yield* checkName("owner", owner)
      const parts = yield* Effect.sync(tokenText.generate)
      const createdAt = yield* DateTime.now
      const token = new ApiToken({
        id: parts.id,
        name: options.name,
        owner,
        scopes: [...new Set(options.scopes ?? defaultScopes)],
        createdAt,
        expiresAt: options.lifetime === undefined ? null : DateTime.addDuration(createdAt, options.lifetime),
        lastUsedAt: null,
        revokedAt: null
      })
      yield* guard(
        sql`INSERT INTO toehold_api_tokens ${sql.insert({
          id: token.id,
          name: token.name,
          owner: token.owner,
          hash: tokenText.hashOf(parts.secret).toString("hex"),
          scopes: JSON.stringify(token.scopes),
          created_at: DateTime.formatIso(createdAt),
          expires_at: token.expiresAt === null ? null : DateTime.formatIso(token.expiresAt)
        })}`
      )
      return { text: tokenText.format(parts), token }
    })

    const revoke = Effect.fn("ApiTokens.revoke")(function* (id: string) {
      const now = DateTime.formatIso(yield* DateTime.now)
      yield* guard(sql`UPDATE toehold_api_tokens SET revoked_at = ${now} WHERE id = ${id} AND revoked_at IS NULL`)
      const row = yield* guard(rowOf(id))
      if (Option.isNone(row)) {
        return yield* SessionApiError.make(new SessionApiError.NotFound({ what: `token ${id}` }))
      }
      return tokenOf(row.value)
    })

    const verify = Effect.fn("ApiTokens.verify")(function* (text: Redacted.Redacted) {
      const parts = tokenText.parse(text)
      if (parts === undefined) return Option.none<ApiToken>()
      const row = Option.getOrUndefined(yield* guard(rowOf(parts.id)))
      if (row === undefined || !tokenText.isSecretOf(parts.secret, row.hash)) return Option.none<ApiToken>()
      const now = yield* Clock.currentTimeMillis
      if (!isUsable(row, now)) return Option.none<ApiToken>()
      const usedAt = row.last_used_at === null ? 0 : DateTime.toEpochMillis(row.last_used_at)
      if (now - usedAt >= markEvery) {
        const at = DateTime.formatIso(DateTime.makeUnsafe(now))
        // Only for people to look at: a call does not fail for it.
        yield* Effect.ignore(guard(sql`UPDATE toehold_api_tokens SET last_used_at = ${at} WHERE id = ${row.id}`))
      }
      return Option.some(tokenOf(row))
    })

    const rows = guard(rowsOf())
    return ApiTokens.of({
      create,
      revoke,
      verify,
      list: Effect.map(rows, (all) => all.map(tokenOf)),
      count: Effect.flatMap(Clock.currentTimeMillis, (now) =>
        Effect.map(rows, (all) => all.filter((row) => isUsable(row, now)).length)
      )
    })
  })

const isUsable = (row: typeof Row.Type, now: number): boolean =>
  row.revoked_at === null && (row.expires_at === null || DateTime.toEpochMillis(row.expires_at) > now)

/**
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<ApiTokens, SessionApiError.SessionApiError, SqlClient.SqlClient> = Layer.effect(
  ApiTokens,
  make
)
