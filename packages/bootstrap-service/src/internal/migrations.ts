import { Effect } from "effect"
import { Migrator, SqlClient } from "effect/sql"

// Times are milliseconds since 1970. What has a shape of its own is JSON in text, the same in either database.
const createSessions = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  // Ids in the order of their bytes, whatever language the database is in.
  const id = sql.onDialectOrElse({ pg: () => sql.literal('TEXT COLLATE "C"'), orElse: () => sql.literal("TEXT") })
  yield* sql`CREATE TABLE toehold_sessions (
    id ${id} PRIMARY KEY NOT NULL,
    owner TEXT NOT NULL,
    status TEXT NOT NULL,
    run INTEGER NOT NULL,
    step TEXT,
    message TEXT NOT NULL,
    failure TEXT,
    vm_id TEXT NOT NULL,
    workspace_path TEXT,
    config TEXT NOT NULL,
    steps TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    revision INTEGER NOT NULL
  )`
  yield* sql`CREATE INDEX toehold_sessions_by_age ON toehold_sessions (created_at DESC, id DESC)`
  yield* sql`CREATE INDEX toehold_sessions_by_owner ON toehold_sessions (owner, created_at DESC, id DESC)`
  yield* sql`CREATE INDEX toehold_sessions_by_status ON toehold_sessions (status, created_at DESC, id DESC)`
  yield* sql`CREATE TABLE toehold_session_events (
    session_id TEXT NOT NULL,
    id INTEGER NOT NULL,
    at BIGINT NOT NULL,
    status TEXT NOT NULL,
    step TEXT,
    message TEXT NOT NULL,
    failure TEXT,
    PRIMARY KEY (session_id, id)
  )`
  yield* sql`CREATE TABLE toehold_session_secrets (session_id TEXT PRIMARY KEY NOT NULL, secrets TEXT NOT NULL)`
  yield* sql`CREATE TABLE toehold_machine_holds (vm_id TEXT PRIMARY KEY NOT NULL, session_id TEXT NOT NULL)`
})

/** Makes the tables, and brings those of an earlier version up to date. */
export const migrate = Migrator.make({})({
  loader: Migrator.fromRecord({ "0001_sessions": createSessions }),
  table: "toehold_migrations"
})
