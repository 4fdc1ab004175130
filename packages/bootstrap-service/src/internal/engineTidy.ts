/** What the engine keeps of sessions that are over: rows that nobody will read again. */
import { Clock, Duration, Effect, Result, Schema } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { Run } from "./runKey.ts"
import { BootstrapWorkflow, StopWorkflow } from "./sessionWorkflow.ts"
import { integersIn, textsIn } from "./sqlLists.ts"

export interface Options {
  /** How long after its beginning a message of the engine is kept, whatever became of it. */
  readonly keepFor: Duration.Input
  /** Pause between two walks through the rows. */
  readonly every: Duration.Input
}

/** Rows that are looked at in one go, and the pause after each, so that nobody waits for it. */
const perLook = 500
const afterLook = Duration.millis(50)

/** The engine's ids begin with the milliseconds since this moment (effect/cluster, Snowflake), followed by 22 bits. */
const idEpoch = Date.UTC(2025, 0, 1)

/** A number of this program's own among PostgreSQL's advisory locks. */
const lockNumber = 7_364_117_004

interface Message {
  readonly id: string
  readonly tag: string | null
  readonly entity_type: string
  readonly entity_id: string
  readonly payload: string | null
}

interface Kept {
  readonly id: string
  readonly created_at: number | string
  readonly run: number
}

const runOf = Schema.decodeUnknownResult(Schema.fromJsonString(Run))

/** The name under which the message is kept that started the workflow that a message is of. */
const startOf = ({ entity_id, entity_type }: Message): string => `${entity_type}/${entity_id}/run/`

/**
 * Removes, once they are old enough, the rows of steps whose workflow has come to its end, and those of whole workflows
 * whose session was removed or is in a later run. The row that says that the last run of a session was done stays as long as
 * the session: the engine would do it again.
 */
export const makeTidy = (prefix: string, { every, keepFor }: Options) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const messages = sql(`${prefix}_messages`)
    const replies = sql(`${prefix}_replies`)
    const idAsText = sql.literal("CAST(id AS TEXT) AS id")
    const age = Duration.toMillis(keepFor)
    const ours = new Set([BootstrapWorkflow, StopWorkflow].map(({ _tag }) => `Workflow/${_tag}`))
    const someOf = textsIn(sql)
    const someIds = integersIn(sql)

    /** Which workflows have not come to their end, by the names of the messages that started them. */
    const unfinishedOf = (starts: ReadonlyArray<string>) =>
      sql<{ message_id: string; payload: string | null }>`SELECT m.message_id, r.payload FROM ${messages} m
        LEFT JOIN ${replies} r ON r.id = m.last_reply_id AND r.kind = 0
        WHERE m.message_id IN ${someOf(starts)}`.pipe(
        // One that waits for something is taken up again.
        Effect.map((rows) => rows.filter(({ payload }) => payload === null || payload.includes('"Suspended"'))),
        Effect.map((rows) => new Set(rows.map(({ message_id }) => message_id)))
      )

    const sessionsOf = (ids: ReadonlyArray<string>) =>
      sql<Kept>`SELECT id, created_at, run FROM toehold_sessions WHERE id IN ${someOf(ids)}`.pipe(
        Effect.map((rows) => new Map(rows.map((row) => [row.id, row])))
      )

    // Of several workers one at a time, or they would wait for each other's rows.
    const isAlone = sql.onDialectOrElse({
      pg: () =>
        sql<{ is_alone: boolean }>`SELECT pg_try_advisory_xact_lock(${lockNumber}) AS is_alone`.pipe(
          Effect.map(([row]) => row?.is_alone === true)
        ),
      orElse: () => Effect.succeed(true)
    })
    const remove = Effect.fnUntraced(function* (ids: ReadonlyArray<string>) {
      if (ids.length === 0 || !(yield* isAlone)) return
      yield* sql`DELETE FROM ${replies} WHERE request_id IN ${someIds(ids)}`
      yield* sql`DELETE FROM ${messages} WHERE id IN ${someIds(ids)}`
    }, sql.withTransaction)

    /** What of some messages nobody needs any more. */
    const uselessOf = Effect.fnUntraced(function* (found: ReadonlyArray<Message>) {
      const own = found.filter(({ entity_type }) => ours.has(entity_type))
      const unfinished = yield* unfinishedOf([...new Set(own.map(startOf))])
      const over = own.filter((message) => !unfinished.has(startOf(message)))
      const runs = over.flatMap((message) =>
        message.tag === "run" ? [{ message, run: Result.getOrUndefined(runOf(message.payload)) }] : []
      )
      const sessions = yield* sessionsOf(runs.flatMap(({ run }) => (run === undefined ? [] : [run.sessionId])))
      const isNeeded = (run: Run | undefined): boolean => {
        if (run === undefined) return true
        const session = sessions.get(run.sessionId)
        return session !== undefined && Number(session.created_at) === run.createdAt && session.run === run.run
      }
      return [
        ...over.filter(({ tag }) => tag !== "run"),
        ...runs.flatMap(({ message, run }) => (isNeeded(run) ? [] : [message]))
      ].map(({ id }) => id)
    })

    const walk = Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const before = String(BigInt(Math.max(0, Math.trunc(now - age - idEpoch))) << 22n)
      let after = "0"
      while (true) {
        const found: ReadonlyArray<Message> =
          yield* sql<Message>`SELECT ${idAsText}, tag, entity_type, entity_id, payload
          FROM ${messages} WHERE id > ${after} AND id < ${before} ORDER BY ${messages}.id LIMIT ${perLook}`
        yield* remove(yield* uselessOf(found))
        const last = found.at(-1)
        if (last === undefined || found.length < perLook) return
        after = last.id
        yield* Effect.sleep(afterLook)
      }
    })

    yield* walk.pipe(
      Effect.catch((error: SqlError.SqlError) =>
        Effect.logWarning("What the engine keeps of old sessions could not be removed", { error: error.message })
      ),
      Effect.delay(every),
      Effect.forever,
      Effect.forkScoped
    )
  })
