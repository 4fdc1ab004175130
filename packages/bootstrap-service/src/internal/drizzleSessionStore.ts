/**
 * The Bonfire face's store on a table of Drizzle ORM: the `./drizzle` subpath.
 *
 * @since 0.1.0
 */
import { and, type Column, eq, getTableColumns, inArray } from "drizzle-orm"
import type { BaseSQLiteDatabase, SQLiteColumn, SQLiteTable } from "drizzle-orm/sqlite-core"
import type { SessionRow, SessionRows, SessionStatus } from "./bonfireModel.ts"

/**
 * A table with the columns of a session, under these names in the program; there may be others. `step` is used where it is
 * there.
 *
 * @since 0.1.0
 * @category models
 */
export type SessionTable = SQLiteTable & {
  readonly id: SQLiteColumn
  readonly status: SQLiteColumn
  readonly errorMessage: SQLiteColumn
  readonly workspacePath: SQLiteColumn
  readonly vmId: SQLiteColumn
  readonly updatedAt: SQLiteColumn
  readonly step?: SQLiteColumn
}

/**
 * A database of Drizzle on SQLite, whichever its driver.
 *
 * @since 0.1.0
 * @category models
 */
export type SessionDatabase = BaseSQLiteDatabase<"sync" | "async", unknown, Record<string, unknown>>

/** A time as the column keeps it. */
const timeFor = (column: Column, time: Date): Date | number | string => {
  switch (column.dataType) {
    case "date":
      return time
    case "number":
      return time.getTime()
    default:
      return time.toISOString()
  }
}

const statuses: ReadonlySet<unknown> = new Set<SessionStatus>(["creating", "ready", "error", "archived"])

const isStatus = (value: unknown): value is SessionStatus => statuses.has(value)

const textOrNull = (value: unknown): string | null => (typeof value === "string" ? value : null)

/**
 * A store for `createBootstrapService` on a table of sessions. A change and its condition are one statement, so that no
 * two writers bring back what one of them has archived.
 *
 * @since 0.1.0
 * @category constructors
 */
export const drizzleSessionStore = (db: SessionDatabase, table: SessionTable): SessionRows => {
  const columns: Readonly<Record<string, Column>> = getTableColumns(table)
  const hasStep = columns["step"] !== undefined
  return {
    hasStep,
    get: async (id): Promise<SessionRow | undefined> => {
      const { errorMessage, status, vmId, workspacePath } = table
      const [row] = await db
        .select({ errorMessage, status, vmId, workspacePath })
        .from(table)
        .where(eq(table.id, id))
        .limit(1)
      if (row === undefined) return undefined
      if (!isStatus(row.status)) throw new TypeError(`The session ${id} has the unknown status ${String(row.status)}`)
      return {
        status: row.status,
        errorMessage: textOrNull(row.errorMessage),
        vmId: textOrNull(row.vmId),
        workspacePath: textOrNull(row.workspacePath)
      }
    },
    update: async (id, { step, updatedAt, ...patch }, { ifStatus }) => {
      const changed = await db
        .update(table)
        .set({
          ...patch,
          ...(hasStep && step !== undefined ? { step } : {}),
          updatedAt: timeFor(table.updatedAt, updatedAt)
        })
        .where(and(eq(table.id, id), ifStatus === undefined ? undefined : inArray(table.status, [...ifStatus])))
        .returning({ id: table.id })
      return changed.length > 0
    }
  }
}
