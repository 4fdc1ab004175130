/**
 * The command line of `api-worker`: `serve`, and `token create|list|revoke`.
 *
 * @since 0.1.0
 */
import { Console, DateTime, Duration, Effect, FileSystem, Layer, Option, type Path, Redacted, Schema } from "effect"
import { Argument, CliError, Command, Flag } from "effect/cli"
import { HttpServer } from "effect/http"
import * as Database from "@toehold/bootstrap-service/Database"
import type { ClientPlatform } from "@toehold/ssh-core/ClientPlatform"
import * as ApiTokens from "./ApiTokens.ts"
import * as ApiWorker from "./ApiWorker.ts"
import { telemetry } from "./internal/telemetry.ts"
import { reportFailure, type WorkerFailure } from "./internal/workerFailure.ts"
import { defaultDatabase, keyOf, secretOf } from "./internal/workerState.ts"
import * as ServiceLog from "./ServiceLog.ts"
import * as SessionApiError from "./SessionApiError.ts"

/**
 * What the program needs beside what the worker does: how to listen, and where lines of the log go.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options<E> {
  /** What `--version` prints. */
  readonly version: string
  readonly listen: (address: { readonly host: string; readonly port: number }) => Layer.Layer<ApiWorker.HttpServices, E>
  readonly writeLog: (line: string) => void
}

const databaseFlags = {
  database: Flag.String("database").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("The file of SQLite for sessions and tokens (default: api-worker.sqlite in Toehold's folder)"),
    Flag.optional
  ),
  databaseUrl: Flag.String("database-url").pipe(
    Flag.withMetavar("URL"),
    Flag.withDescription(
      "postgres://user@host/name, for several workers. With a password in it give it as TOEHOLD_DATABASE_URL instead"
    ),
    Flag.optional
  )
}

const json = Flag.Boolean("json").pipe(Flag.withDescription("Print one JSON document"), Flag.withDefault(false))

const invalid = (path: string, message: string) =>
  SessionApiError.make(new SessionApiError.InvalidRequest({ issues: [{ path, message }] }))

/** The database that the flags and the environment name. */
const readDatabase = Effect.fnUntraced(function* (flags: {
  readonly database: Option.Option<string>
  readonly databaseUrl: Option.Option<string>
}) {
  const fromEnvironment = yield* secretOf("TOEHOLD_DATABASE_URL")
  const url = Option.orElse(Option.map(flags.databaseUrl, Redacted.make), () => fromEnvironment)
  if (Option.isSome(flags.database)) {
    if (Option.isSome(flags.databaseUrl)) return yield* invalid("--database", "--database-url names another one")
    return yield* Effect.fromResult(Database.parse(flags.database.value))
  }
  if (Option.isNone(url)) return Database.sqlite(yield* defaultDatabase)
  if (Option.isSome(flags.databaseUrl) && URL.parse(flags.databaseUrl.value)?.password !== "") {
    yield* Effect.logWarning("The password in --database-url is seen by everybody who lists processes", {
      fix: "Give the URL as TOEHOLD_DATABASE_URL, or the password as PGPASSWORD."
    })
  }
  const parsed = yield* Effect.fromResult(Database.parse(Redacted.value(url.value)))
  return parsed.kind === "postgres" ? parsed : yield* invalid("--database-url", "it must be a postgres:// URL")
})

/** The key that is given, else one beside the file of SQLite; several workers must be given theirs. */
const readSecretKey = Effect.fnUntraced(function* (file: Option.Option<string>, database: Database.Database) {
  if (Option.isSome(file)) return yield* keyOf(file.value)
  const given = yield* secretOf("TOEHOLD_SECRET_KEY")
  if (Option.isSome(given)) return given.value
  if (database.kind === "sqlite" && database.file !== ":memory:") return yield* keyOf(`${database.file}.key`)
  yield* Effect.logWarning("The secrets of sessions are in the database as they are", {
    fix: "Set TOEHOLD_SECRET_KEY to 32 random characters or more, the same for every worker."
  })
  return undefined
})

const serveFlags = {
  ...databaseFlags,
  host: Flag.String("host").pipe(
    Flag.withDescription("Listen at this address; any but the loopback needs a token to be there"),
    Flag.withDefault("127.0.0.1")
  ),
  port: Flag.Int("port").pipe(
    Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65535 }))),
    Flag.withDescription("Listen at this port; 0 for a free one"),
    Flag.withDefault(4620)
  ),
  machines: Flag.String("machines").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("The machines that sessions may run on, by name"),
    Flag.optional
  ),
  secretKeyFile: Flag.String("secret-key-file").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("The key that secrets are encrypted with in the database; made where it is missing"),
    Flag.optional
  ),
  requestsPerSecond: Flag.Int("requests-per-second").pipe(
    Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100_000 }))),
    Flag.withDescription("Requests of one token in the long run; five times as many may come at once"),
    Flag.withDefault(20)
  ),
  json
}

const serve = <E extends WorkerFailure>({ listen, version, writeLog }: Options<E>) =>
  Command.make("serve", serveFlags, (flags) =>
    Effect.gen(function* () {
      const database = yield* readDatabase(flags)
      const worker = ApiWorker.layer(
        {
          version,
          database,
          host: flags.host,
          port: flags.port,
          machinesFile: Option.getOrUndefined(flags.machines),
          secretKey: yield* readSecretKey(flags.secretKeyFile, database),
          requestsPerSecond: flags.requestsPerSecond,
          burst: flags.requestsPerSecond * 5
        },
        listen
      )
      const announced = Effect.gen(function* () {
        const { address } = yield* HttpServer.HttpServer
        const url = HttpServer.formatAddress(address)
        yield* Console.log(flags.json ? JSON.stringify({ ready: true, listen: url }) : `Listening at ${url}`)
        yield* Effect.logInfo("listening", { url, version })
      })
      return yield* Layer.launch(Layer.provide(Layer.effectDiscard(announced), worker))
    }).pipe(Effect.provide(Layer.merge(telemetry(version), ServiceLog.layer(writeLog))))
  ).pipe(Command.withDescription("Serve the session API and run its sessions, until SIGTERM or SIGINT"))

const tokensOf = (flags: Parameters<typeof readDatabase>[0]) =>
  Effect.map(readDatabase(flags), (database) => Layer.provide(ApiTokens.layer, Database.layer(database)))

const time = (at: DateTime.Utc | null) => (at === null ? null : DateTime.formatIso(at))

const documentOf = (token: ApiTokens.ApiToken) => {
  return {
    id: token.id,
    name: token.name,
    owner: token.owner,
    scopes: token.scopes,
    createdAt: time(token.createdAt),
    expiresAt: time(token.expiresAt),
    lastUsedAt: time(token.lastUsedAt),
    revokedAt: time(token.revokedAt)
  }
}

const createToken = Command.make(
  "create",
  {
    name: Argument.String("NAME").pipe(Argument.withDescription("What the token is for")),
    owner: Flag.String("owner").pipe(Flag.withDescription("Whose sessions it sees (default: the name)"), Flag.optional),
    scope: Flag.Literals("scope", ApiTokens.Scope.literals).pipe(
      Flag.withDescription("What it may do, repeatable (default: all but admin)"),
      Flag.atLeast(0)
    ),
    expiresDays: Flag.Int("expires-days").pipe(
      Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 36_500 }))),
      Flag.withDescription("Refuse it after so many days (default: never)"),
      Flag.optional
    ),
    ...databaseFlags,
    json
  },
  (flags) =>
    Effect.gen(function* () {
      const tokens = yield* ApiTokens.ApiTokens
      const made = yield* tokens.create({
        name: flags.name,
        owner: Option.getOrUndefined(flags.owner),
        scopes: flags.scope.length === 0 ? undefined : flags.scope,
        lifetime: Option.getOrUndefined(Option.map(flags.expiresDays, Duration.days))
      })
      // Here, on standard output, and nowhere else.
      const text = Redacted.value(made.text)
      yield* Console.log(flags.json ? JSON.stringify({ ...documentOf(made.token), token: text }) : text)
      if (!flags.json) yield* Console.error("This is the token; it is not shown again.")
    }).pipe(Effect.provide(Layer.unwrap(tokensOf(flags))))
).pipe(Command.withDescription("Make a token, and print it this once"))

const listTokens = Command.make("list", { ...databaseFlags, json }, (flags) =>
  Effect.gen(function* () {
    const tokens = yield* ApiTokens.ApiTokens
    const all = yield* tokens.list
    if (flags.json) return yield* Console.log(JSON.stringify({ tokens: all.map(documentOf) }))
    const lines = all.map(({ expiresAt, id, name, owner, revokedAt, scopes }) => {
      const state =
        revokedAt !== null ? "revoked" : expiresAt === null ? "in use" : `until ${DateTime.formatIso(expiresAt)}`
      return `${id}  ${name}  ${owner}  ${scopes.join(",")}  ${state}`
    })
    yield* Console.log(lines.length === 0 ? "No tokens." : lines.join("\n"))
  }).pipe(Effect.provide(Layer.unwrap(tokensOf(flags))))
).pipe(Command.withDescription("The tokens that were made, without their secrets"))

const revokeToken = Command.make(
  "revoke",
  { id: Argument.String("ID").pipe(Argument.withDescription("as of token list")), ...databaseFlags, json },
  (flags) =>
    Effect.gen(function* () {
      const tokens = yield* ApiTokens.ApiTokens
      const token = yield* tokens.revoke(flags.id)
      yield* Console.log(flags.json ? JSON.stringify(documentOf(token)) : `Revoked ${token.id} (${token.name}).`)
    }).pipe(Effect.provide(Layer.unwrap(tokensOf(flags))))
).pipe(Command.withDescription("Have a token refused from now on"))

const token = Command.make("token").pipe(
  Command.withDescription("Make, list and revoke the tokens of the API"),
  Command.withSubcommands([createToken, listTokens, revokeToken])
)

/**
 * What the program needs of the world.
 *
 * @since 0.1.0
 * @category models
 */
export type Services = ApiWorker.Services | Command.Environment | ClientPlatform | FileSystem.FileSystem | Path.Path

/**
 * Runs a command line, the words after the program's name, and answers its exit code: 0, 64 for a line that is not
 * understood, 66 for a token that there isn't, 74 for a database that does not answer, 78 for a configuration that does not
 * hold.
 *
 * @since 0.1.0
 * @category running
 */
export const run = <E extends WorkerFailure>(
  words: ReadonlyArray<string>,
  options: Options<E>
): Effect.Effect<number, never, Services> => {
  const command = Command.make("api-worker").pipe(
    Command.withDescription("The worker of Toehold's session API"),
    Command.withSubcommands([serve(options), token])
  )
  return Command.runWith(command, { version: options.version })(words).pipe(
    Effect.as(0),
    Effect.catch((error) =>
      CliError.isCliError(error)
        ? // Its own words are printed already; the help alone is no failure.
          Effect.succeed(error._tag === "ShowHelp" && error.errors.length === 0 ? 0 : 64)
        : reportFailure(error, words.includes("--json"))
    )
  )
}
