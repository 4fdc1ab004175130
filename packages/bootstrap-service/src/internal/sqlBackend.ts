import { Clock, Effect, Schema } from "effect"
import { SqlClient, type Statement } from "effect/sql"
import type * as BootstrapError from "../BootstrapError.ts"
import { eventOf, Failure, Session, SessionEvent } from "../Session.ts"
import { migrate } from "./migrations.ts"
import { applyAll, type Backend } from "./storeBackend.ts"
import { storeFailed } from "./storeFailed.ts"

// How the columns are named; what isn't listed is named alike.
const columns = { vmId: "vm_id", workspacePath: "workspace_path", createdAt: "created_at", updatedAt: "updated_at" }

/** PostgreSQL's driver hands 64-bit integers over as text. */
const Count = Schema.Union([Schema.Finite, Schema.FiniteFromString])

const Row = Session.mapFields((fields) => ({
  ...fields,
  failure: Schema.NullOr(Schema.fromJsonString(Failure)),
  config: Schema.fromJsonString(fields.config),
  steps: Schema.fromJsonString(fields.steps),
  createdAt: Count,
  updatedAt: Count
})).pipe(Schema.encodeKeys(columns))

const EventRow = SessionEvent.mapFields((fields) => ({
  ...fields,
  failure: Schema.NullOr(Schema.fromJsonString(Failure)),
  at: Count
})).pipe(Schema.encodeKeys({ sessionId: "session_id" }))

const decodeSession = Schema.decodeUnknownEffect(Row)
const encodeSession = Schema.encodeSync(Row)
const decodeEvents = Schema.decodeUnknownEffect(Schema.Array(EventRow))
const encodeEvent = Schema.encodeSync(EventRow)

const sessionsOf = (rows: ReadonlyArray<object>) => Effect.forEach(rows, (row) => decodeSession(row))

const run = <A, E extends { readonly _tag: string; readonly message: string }>(effect: Effect.Effect<A, E>) =>
  Effect.mapError(effect, (error) => storeFailed(error))

/** Sessions in a database whose tables are made first. */
export const makeSqlBackend: Effect.Effect<Backend, BootstrapError.BootstrapError, SqlClient.SqlClient> = Effect.gen(
  function* () {
    const sql = yield* SqlClient.SqlClient
    yield* Effect.mapError(migrate, (error) => storeFailed(error, "its tables can't be made"))
    const forUpdate = sql.onDialectOrElse({ pg: () => sql.literal("FOR UPDATE"), orElse: () => sql.literal("") })
    const updated = sql.literal(
      ["status", "run", "step", "message", "failure", "workspace_path", "steps", "updated_at", "revision"]
        .map((column) => `${column} = excluded.${column}`)
        .join(", ")
    )

    const insert = (sessions: ReadonlyArray<Session>, then: Statement.Fragment) => {
      const [first, ...others] = sessions.map((session) => encodeSession(session))
      return first === undefined
        ? Effect.void
        : sql`INSERT INTO toehold_sessions ${sql.insert([first, ...others])} ${then}`
    }

    const recordEvents = (states: ReadonlyArray<Session>) => {
      const [first, ...others] = states.map((state) => encodeEvent(eventOf(state)))
      return first === undefined
        ? Effect.void
        : sql`INSERT INTO toehold_session_events ${sql.insert([first, ...others])}`
    }

    const commit: Backend["commit"] = (changes) =>
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        const ids = [...new Set(changes.map(({ id }) => id))]
        // In one order, or two workers with the same sessions would wait for each other.
        const rows = yield* sql`SELECT * FROM toehold_sessions WHERE ${sql.in("id", ids)} ORDER BY id ${forUpdate}`
        const current = new Map((yield* sessionsOf(rows)).map((session) => [session.id, session]))
        const { last, outcomes, secrets, states } = applyAll(changes, current, now)
        const changed = [...last.values()]
        yield* insert(
          changed.filter(({ id }) => !current.has(id)),
          sql.literal("")
        )
        yield* insert(
          changed.filter(({ id }) => current.has(id)),
          sql`ON CONFLICT (id) DO UPDATE SET ${updated}`
        )
        yield* recordEvents(states)
        yield* Effect.forEach(
          secrets,
          ([id, text]) => sql`INSERT INTO toehold_session_secrets ${sql.insert({ session_id: id, secrets: text })}`
        )
        const archived = changed.filter(({ status }) => status === "archived").map(({ id }) => id)
        if (archived.length > 0) {
          yield* sql`DELETE FROM toehold_session_secrets WHERE ${sql.in("session_id", archived)}`
        }
        return outcomes
      }).pipe(sql.withTransaction, run)

    return {
      commit,
      find: (id) =>
        sql`SELECT * FROM toehold_sessions WHERE id = ${id}`.pipe(
          Effect.flatMap(sessionsOf),
          Effect.map(([session]) => session),
          run
        ),
      secrets: (id) =>
        sql<{ secrets: string }>`SELECT secrets FROM toehold_session_secrets WHERE session_id = ${id}`.pipe(
          Effect.map(([row]) => row?.secrets),
          run
        ),
      revisions: (ids) =>
        sql<{
          id: string
          revision: number
        }>`SELECT id, revision FROM toehold_sessions WHERE ${sql.in("id", ids)}`.pipe(
          Effect.map((rows) => new Map(rows.map(({ id, revision }) => [id, revision]))),
          run
        ),
      list: ({ owner, status, vmId }, limit, beyond) => {
        const filters = [
          ...(owner === undefined ? [] : [sql`owner = ${owner}`]),
          ...(status === undefined ? [] : [sql`status = ${status}`]),
          ...(vmId === undefined ? [] : [sql`vm_id = ${vmId}`]),
          ...(beyond === undefined ? [] : [sql`(created_at, id) < (${beyond.createdAt}, ${beyond.id})`])
        ]
        return sql`SELECT * FROM toehold_sessions WHERE ${sql.and(filters)}
          ORDER BY created_at DESC, id DESC LIMIT ${limit}`.pipe(Effect.flatMap(sessionsOf), run)
      },
      remove: (id) =>
        Effect.all([
          sql`DELETE FROM toehold_sessions WHERE id = ${id}`,
          sql`DELETE FROM toehold_session_events WHERE session_id = ${id}`,
          sql`DELETE FROM toehold_session_secrets WHERE session_id = ${id}`
        ]).pipe(sql.withTransaction, Effect.asVoid, run),
      events: (id, after, limit) =>
        sql`SELECT * FROM toehold_session_events WHERE session_id = ${id} AND id > ${after} ORDER BY id LIMIT ${limit}`.pipe(
          Effect.flatMap((rows) => decodeEvents(rows)),
          run
        ),
      hold: (vmId, id) =>
        sql`INSERT INTO toehold_machine_holds ${sql.insert({ vm_id: vmId, session_id: id })} ON CONFLICT (vm_id) DO NOTHING`.pipe(
          Effect.andThen(
            sql<{ session_id: string }>`SELECT session_id FROM toehold_machine_holds WHERE vm_id = ${vmId}`
          ),
          // Whoever had it may have given it back in between: then nobody has it.
          Effect.map(([row]) => row?.session_id ?? ""),
          run
        ),
      release: (vmId, id) =>
        sql`DELETE FROM toehold_machine_holds WHERE vm_id = ${vmId} AND session_id = ${id}`.pipe(Effect.asVoid, run)
    }
  }
)
