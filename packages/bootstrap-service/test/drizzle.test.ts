import { sqliteTable, text } from "drizzle-orm/sqlite-core"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { drizzleSessionStore } from "../src/internal/drizzleSessionStore.ts"
import { agentSessions, openDatabase } from "./support/consumerTable.ts"

let opened: ReturnType<typeof openDatabase>

beforeEach(() => void (opened = openDatabase()))
afterEach(() => opened.sqlite.close())

const database = () => opened.db

const insert = async (status: "creating" | "archived") => {
  const now = new Date(0)
  await database()
    .insert(agentSessions)
    .values({ id: "a", repoUrl: "https://example.org/r.git", status, createdAt: now, updatedAt: now })
}

describe("drizzleSessionStore", () => {
  it("reads and changes a real table through Drizzle", async () => {
    await insert("creating")
    const store = drizzleSessionStore(database(), agentSessions)
    expect(store.hasStep).toBe(false)
    expect(await store.get("b")).toBeUndefined()
    expect(await store.get("a")).toEqual({ status: "creating", errorMessage: null, vmId: null, workspacePath: null })
    const updatedAt = new Date(1_700_000_000_000)
    const patch = { status: "ready", workspacePath: "/w/a", vmId: "vm'1", errorMessage: null, updatedAt } as const
    expect(await store.update("a", patch, { ifStatus: ["creating"] })).toBe(true)
    expect(await store.get("a")).toEqual({ status: "ready", errorMessage: null, vmId: "vm'1", workspacePath: "/w/a" })
    const [row] = await database().select().from(agentSessions)
    expect(row?.updatedAt).toEqual(updatedAt)
    expect(row?.createdAt).toEqual(new Date(0))
  })

  it("never changes what is archived", async () => {
    await insert("archived")
    const store = drizzleSessionStore(database(), agentSessions)
    const patch = { status: "ready", updatedAt: new Date() } as const
    expect(await store.update("a", patch, { ifStatus: ["creating", "error"] })).toBe(false)
    expect((await store.get("a"))?.status).toBe("archived")
    expect(await store.update("b", patch, {})).toBe(false)
  })

  it("writes a step where there is a column for it, and times as the columns keep them", async () => {
    opened.sqlite
      .exec(`CREATE TABLE other (id TEXT PRIMARY KEY, status TEXT, errorMessage TEXT, workspacePath TEXT, vmId TEXT,
      updatedAt TEXT, step TEXT); INSERT INTO other (id, status) VALUES ('a', 'creating')`)
    const other = sqliteTable("other", {
      id: text("id").primaryKey(),
      status: text("status"),
      errorMessage: text("errorMessage"),
      workspacePath: text("workspacePath"),
      vmId: text("vmId"),
      updatedAt: text("updatedAt"),
      step: text("step")
    })
    const store = drizzleSessionStore(database(), other)
    expect(store.hasStep).toBe(true)
    await store.update("a", { step: "Cloning", updatedAt: new Date(0) }, { ifStatus: ["creating"] })
    expect(await database().select().from(other)).toMatchObject([
      { step: "Cloning", updatedAt: "1970-01-01T00:00:00.000Z" }
    ])
  })
})
