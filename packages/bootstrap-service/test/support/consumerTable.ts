/** A database of the consumer's: SQLite through Drizzle, with its table of sessions. */
import { DatabaseSync, type SQLInputValue } from "node:sqlite"
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core"
import { drizzle } from "drizzle-orm/sqlite-proxy"

/** The table, as the consumer has it. */
export const agentSessions = sqliteTable("agent_sessions", {
  id: text("id").primaryKey(),
  title: text("title"),
  repoUrl: text("repo_url").notNull(),
  branch: text("branch"),
  vmId: text("vm_id"),
  workspacePath: text("workspace_path"),
  status: text("status", { enum: ["creating", "ready", "error", "archived"] }).notNull(),
  errorMessage: text("error_message"),
  createdAt: integer("created_at", { mode: "timestamp" }).notNull(),
  updatedAt: integer("updated_at", { mode: "timestamp" }).notNull()
})

/** A new database, in memory. */
export const openDatabase = () => {
  const sqlite = new DatabaseSync(":memory:")
  sqlite.exec(`CREATE TABLE agent_sessions (id TEXT PRIMARY KEY, title TEXT, repo_url TEXT NOT NULL, branch TEXT,
    vm_id TEXT, workspace_path TEXT, status TEXT NOT NULL, error_message TEXT, created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL)`)
  const db = drizzle(async (query, params: Array<SQLInputValue>, method) => {
    const statement = sqlite.prepare(query)
    if (method === "run") {
      statement.run(...params)
      return { rows: [] }
    }
    const rows = statement.all(...params).map((row) => Object.values(row))
    return { rows: method === "get" ? (rows[0] ?? []) : rows }
  })
  return { sqlite, db }
}
