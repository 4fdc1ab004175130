import { Clock, Effect } from "effect"
import { SqlClient, type SqlError, type Statement } from "effect/sql"
import type * as BootstrapError from "../BootstrapError.ts"
import type { Session } from "../Session.ts"
import { migrate } from "./migrations.ts"
import { type EventRow, eventRowOf, eventsOf, rowOf, type SessionRow, sessionsOf } from "./sessionRow.ts"
import { textsIn } from "./sqlLists.ts"
import { applyAll, type Backend } from "./storeBackend.ts"
import { storeFailed } from "./storeFailed.ts"

/** How many sessions are kept in memory as they were last written: those that are in flight are changed all the time. */
const maxKnown = 5000

type Row = Record<string, unknown>

interface Version {
  readonly id: string
  readonly revision: number
  readonly created_at: number | string
}

const run = <A>(effect: Effect.Effect<A, SqlError.SqlError | BootstrapError.BootstrapError>) =>
  Effect.mapError(effect, (error) => (error._tag === "BootstrapError" ? error : storeFailed(error)))

/** Sessions in a database whose tables are made first. */
export const makeSqlBackend: Effect.Effect<Backend, BootstrapError.BootstrapError, SqlClient.SqlClient> = Effect.gen(
  function* () {
    const sql = yield* SqlClient.SqlClient
    yield* Effect.mapError(migrate, (error) => storeFailed(error, "its tables can't be made"))
    const forUpdate = sql.onDialectOrElse({ pg: () => sql.literal("FOR UPDATE"), orElse: () => sql.literal("") })

    const someOf = textsIn(sql)
    type Rows = readonly [Row, ...ReadonlyArray<Row>]
    // However many rows there are, the text of the statement is the same, and SQLite has it prepared already.
    const insertAll = sql.onDialectOrElse({
      pg: () => (table: string, rows: Rows, then: Statement.Fragment) =>
        sql`INSERT INTO ${sql(table)} ${sql.insert(rows)} ${then}`,
      orElse: () => {
        const heads = new Map<string, Statement.Fragment>()
        const headOf = (table: string, row: Row) => {
          const columns = Object.keys(row)
          const head =
            heads.get(table) ??
            sql.literal(
              `${table} (${columns.join(", ")}) SELECT ${columns.map((_, at) => `value ->> ${at}`).join(", ")}`
            )
          heads.set(table, head)
          return head
        }
        return (table: string, rows: Rows, then: Statement.Fragment) => {
          const values = JSON.stringify(rows.map((row) => Object.values(row)))
          // Without the WHERE an ON that follows would be read as a join's.
          return sql`INSERT INTO ${headOf(table, rows[0])} FROM json_each(${values}) WHERE true ${then}`
        }
      }
    })
    const insert = (
      table: string,
      [first, ...others]: ReadonlyArray<Row>,
      then: Statement.Fragment = sql.literal("")
    ) => (first === undefined ? Effect.void : insertAll(table, [first, ...others], then))

    const changesOf = (columns: ReadonlyArray<string>) =>
      sql.literal(
        `ON CONFLICT (id) DO UPDATE SET ${columns.map((column) => `${column} = excluded.${column}`).join(", ")}`
      )
    // Most changes leave the status as it is, and with it the indexes.
    const inStatus = ["run", "step", "message", "failure", "workspace_path", "steps", "updated_at", "revision"]
    const sameStatus = changesOf(inStatus)
    const otherStatus = changesOf(["status", ...inStatus])

    const known = new Map<string, Session>()
    const remember = (sessions: ReadonlyMap<string, Session>): void => {
      if (known.size > maxKnown) known.clear()
      for (const [id, session] of sessions) {
        if (session.status === "creating") known.set(id, session)
        else known.delete(id)
      }
    }

    /** The sessions as they are, which nobody else changes until the transaction ends. */
    const lock = Effect.fnUntraced(function* (ids: ReadonlyArray<string>) {
      // In one order, or two workers with the same sessions would wait for each other.
      const versions = yield* sql<Version>`SELECT id, revision, created_at FROM toehold_sessions
        WHERE id IN ${someOf(ids)} ORDER BY id ${forUpdate}`
      const found = new Map<string, Session>()
      const changed: Array<string> = []
      for (const { created_at, id, revision } of versions) {
        const session = known.get(id)
        if (session?.revision === revision && session.createdAt === Number(created_at)) found.set(id, session)
        else changed.push(id)
      }
      if (changed.length > 0) {
        const rows = yield* sql<SessionRow>`SELECT * FROM toehold_sessions WHERE id IN ${someOf(changed)}`
        for (const session of yield* sessionsOf(rows)) found.set(session.id, session)
      }
      return found
    })

    let version: number | undefined
    // SQLite counts what other connections write; of a server's database nobody can tell.
    const mayHaveChanged: Backend["mayHaveChanged"] = sql.onDialectOrElse({
      sqlite: () =>
        sql<{ data_version: number }>`PRAGMA data_version`.pipe(
          Effect.map(([row]) => {
            const before = version
            version = row?.data_version
            return version !== before
          }),
          run
        ),
      orElse: () => Effect.succeed(true)
    })

    const commit: Backend["commit"] = (changes) =>
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        const ids = [...new Set(changes.map(({ id }) => id))]
        const current = yield* lock(ids)
        const { last, outcomes, secrets, states } = applyAll(changes, current, now)
        const changed = [...last.values()]
        const isNew = ({ id }: Session) => !current.has(id)
        const isSame = ({ id, status }: Session) => current.get(id)?.status === status
        const rows = (which: (session: Session) => boolean) => changed.filter(which).map(rowOf)
        yield* insert("toehold_sessions", rows(isNew))
        yield* insert("toehold_sessions", rows(isSame), sameStatus)
        yield* insert(
          "toehold_sessions",
          rows((session) => !isNew(session) && !isSame(session)),
          otherStatus
        )
        yield* insert("toehold_session_events", states.map(eventRowOf))
        yield* Effect.forEach(
          secrets,
          ([id, text]) => sql`INSERT INTO toehold_session_secrets ${sql.insert({ session_id: id, secrets: text })}`
        )
        const archived = changed.filter(({ status }) => status === "archived").map(({ id }) => id)
        if (archived.length > 0) {
          yield* sql`DELETE FROM toehold_session_secrets WHERE session_id IN ${someOf(archived)}`
        }
        return { outcomes, last }
      }).pipe(
        sql.withTransaction,
        Effect.map(({ last, outcomes }) => {
          remember(last)
          return outcomes
        }),
        run
      )

    return {
      commit,
      find: (id) =>
        sql<SessionRow>`SELECT * FROM toehold_sessions WHERE id = ${id}`.pipe(
          Effect.flatMap(sessionsOf),
          Effect.map(([session]) => session),
          run
        ),
      secrets: (id) =>
        sql<{ secrets: string }>`SELECT secrets FROM toehold_session_secrets WHERE session_id = ${id}`.pipe(
          Effect.map(([row]) => row?.secrets),
          run
        ),
      mayHaveChanged,
      revisions: (ids) =>
        sql<{
          id: string
          revision: number
        }>`SELECT id, revision FROM toehold_sessions WHERE id IN ${someOf(ids)}`.pipe(
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
        return sql<SessionRow>`SELECT * FROM toehold_sessions WHERE ${sql.and(filters)}
          ORDER BY created_at DESC, id DESC LIMIT ${limit}`.pipe(Effect.flatMap(sessionsOf), run)
      },
      remove: (id) =>
        Effect.all([
          sql`DELETE FROM toehold_sessions WHERE id = ${id}`,
          sql`DELETE FROM toehold_session_events WHERE session_id = ${id}`,
          sql`DELETE FROM toehold_session_secrets WHERE session_id = ${id}`
        ]).pipe(sql.withTransaction, Effect.asVoid, run),
      events: (id, after, limit) =>
        sql<EventRow>`SELECT * FROM toehold_session_events WHERE session_id = ${id} AND id > ${after} ORDER BY id LIMIT ${limit}`.pipe(
          Effect.flatMap(eventsOf),
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
