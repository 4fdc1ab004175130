import { expect, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Option, Redacted, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { Session, Status } from "../../src/Session.ts"
import { SessionStore } from "../../src/SessionStore.ts"
import { configOf } from "./fakeMachines.ts"

const reasonOf = <A, R>(effect: Effect.Effect<A, { readonly reason: { readonly _tag: string } }, R>) =>
  Effect.map(Effect.flip(effect), ({ reason }) => reason._tag)

const record = { attempts: 1, message: "", startedAt: 1, endedAt: null, output: { ip: "10.0.100.20" } } as const

const count = (session: Session) => Option.some({ run: session.run + 1 })

const idsOf = (sessions: ReadonlyArray<Session>) => sessions.map(({ id }) => id)

/** What every store must do. */
export const storeSuite = <E>(fresh: Layer.Layer<SessionStore, E>): void => {
  const test = <E2>(title: string, body: (store: SessionStore["Service"]) => Effect.Effect<void, E2>) =>
    it.live(title, () => Effect.flatMap(SessionStore, body).pipe(Effect.provide(fresh)))

  test("makes a session once", (store) =>
    Effect.gen(function* () {
      const made = yield* store.create({ config: configOf("a"), owner: "me" })
      expect(made).toMatchObject({ id: "a", owner: "me", status: "creating", run: 1, revision: 1, vmId: "vm-a" })
      expect(yield* store.get("a")).toEqual(made)
      expect(yield* reasonOf(store.create({ config: configOf("a") }))).toBe("SessionExists")
      expect(yield* store.get("a")).toEqual(made)
      expect(yield* reasonOf(store.get("b"))).toBe("SessionNotFound")
      expect(yield* reasonOf(store.update("b", { message: "" }))).toBe("SessionNotFound")
    }))

  test("makes one session of many at the same time", (store) =>
    Effect.gen(function* () {
      const results = yield* Effect.forEach(
        Array.from({ length: 20 }, (_, at) => `owner-${at}`),
        (owner) => Effect.option(store.create({ config: configOf("a"), owner })),
        { concurrency: "unbounded" }
      )
      const made = results.filter(Option.isSome)
      expect(made).toHaveLength(1)
      expect((yield* store.get("a")).owner).toBe(made[0]?.value.owner)
    }))

  test("keeps every field as it was given", (store) =>
    Effect.gen(function* () {
      const config = configOf("a", { branch: "feature/ü", vmIp: "10.0.100.20", shallow: true, opencodePort: 5000 })
      yield* store.create({ config })
      const failure = {
        reason: "GitMissing",
        message: "no git; '); DROP TABLE toehold_sessions; --",
        fix: "…",
        isRetryable: false,
        outcome: "did-not-run" as const,
        step: "repository" as const
      }
      yield* store.update("a", {
        status: "error",
        step: "repository",
        message: "emoji 🦊 and 'quotes' \"too\"",
        failure,
        workspacePath: "/home/agent/workspaces/a",
        steps: [{ ...record, name: "machine", state: "done" }]
      })
      const session = yield* store.get("a")
      expect(session).toMatchObject({
        status: "error",
        step: "repository",
        message: "emoji 🦊 and 'quotes' \"too\"",
        failure,
        workspacePath: "/home/agent/workspaces/a",
        steps: [{ ...record, name: "machine", state: "done" }],
        config,
        revision: 2
      })
      expect(yield* store.events("a", { after: 1 })).toMatchObject([
        { id: 2, status: "error", step: "repository", failure }
      ])
    }))

  test("takes whatever a machine says as a message", (store) =>
    Effect.gen(function* () {
      yield* store.create({ config: configOf("a") })
      yield* store.update("a", { message: `nul \0 line\nescape \u001b[2J half \ud83e ${"x".repeat(10_000)}` })
      const { message } = yield* store.get("a")
      expect(message).toMatch(/^nul {1,3}line escape /)
      expect(message.length).toBeLessThan(5000)
    }))

  test("changes a session only where the condition holds", (store) =>
    Effect.gen(function* () {
      yield* store.create({ config: configOf("a") })
      expect(yield* store.update("a", { message: "x" }, { ifStatus: "ready" })).toEqual(Option.none())
      expect(yield* store.update("a", { message: "x" }, { ifRun: 2 })).toEqual(Option.none())
      expect((yield* store.get("a")).revision).toBe(1)
      const changed = yield* store.update("a", { status: "archived" }, { ifStatus: ["creating", "ready"], ifRun: 1 })
      expect(Option.map(changed, ({ revision, status }) => [revision, status])).toEqual(Option.some([2, "archived"]))
    }))

  test("never brings an archived session back, whoever comes first", (store) =>
    Effect.gen(function* () {
      for (let round = 0; round < 10; round++) {
        const id = `s${round}`
        yield* store.create({ config: configOf(id) })
        const to = (status: Status) => store.update(id, { status }, { ifStatus: "creating" })
        yield* Effect.all([to("ready"), store.update(id, { status: "archived" }), to("error"), to("creating")], {
          concurrency: "unbounded"
        })
        expect((yield* store.get(id)).status).toBe("archived")
      }
    }))

  test("loses no change of many at the same time, and tells of each once", (store) =>
    Effect.gen(function* () {
      yield* Effect.forEach(["a", "b"], (id) => store.create({ config: configOf(id) }))
      yield* Effect.forEach(
        Array.from({ length: 300 }, (_, at) => (at % 3 === 0 ? "b" : "a")),
        (id) => store.modify(id, count),
        { concurrency: "unbounded" }
      )
      expect([(yield* store.get("a")).run, (yield* store.get("b")).run]).toEqual([201, 101])
      const ids = (yield* store.events("a")).map(({ id }) => id)
      expect(ids).toEqual(Array.from({ length: 201 }, (_, at) => at + 1))
    }))

  test("lists sessions newest first, in pages, by owner, status and machine", (store) =>
    Effect.gen(function* () {
      const names = Array.from({ length: 7 }, (_, at) => `s${at}`)
      // Some in one batch, and so in one millisecond.
      yield* Effect.forEach(names, (id) => store.create({ config: configOf(id), owner: id < "s4" ? "me" : "you" }), {
        concurrency: "unbounded"
      })
      yield* store.update("s2", { status: "ready" })
      const whole = idsOf((yield* store.list()).sessions)
      expect(whole.toSorted()).toEqual(names)
      const paged: Array<string> = []
      let after: string | undefined
      do {
        const page: { readonly sessions: ReadonlyArray<Session>; readonly next: string | undefined } =
          yield* store.list({ limit: 3, after })
        paged.push(...idsOf(page.sessions))
        after = page.next
      } while (after !== undefined)
      expect(paged).toEqual(whole)
      expect(idsOf((yield* store.list({ owner: "me" })).sessions).toSorted()).toEqual(["s0", "s1", "s2", "s3"])
      expect(idsOf((yield* store.list({ status: "ready" })).sessions)).toEqual(["s2"])
      expect(idsOf((yield* store.list({ vmId: "vm-s5", owner: "you" })).sessions)).toEqual(["s5"])
      expect(yield* reasonOf(store.list({ after: "nonsense" }))).toBe("InvalidConfig")
    }))

  test("tells a session's story from any point on, as it goes on", (store) =>
    Effect.gen(function* () {
      yield* store.create({ config: configOf("a") })
      const story = yield* store.watch("a", { after: 1 }).pipe(
        Stream.takeUntil(({ status }) => status === "ready"),
        Stream.runCollect,
        Effect.forkChild
      )
      for (const message of ["one", "two", "three"]) yield* store.update("a", { message })
      yield* store.update("a", { status: "ready" })
      const events = yield* Fiber.join(story)
      expect(events.map(({ id, message }) => [id, message])).toEqual([
        [2, "one"],
        [3, "two"],
        [4, "three"],
        [5, "three"]
      ])
    }))

  test("ends the story of a session that is removed", (store) =>
    Effect.gen(function* () {
      yield* store.create({ config: configOf("a") })
      const story = yield* Effect.forkChild(reasonOf(Stream.runDrain(store.watch("a"))))
      const waiting = yield* Effect.forkChild(reasonOf(store.waitFor("a", ({ status }) => status === "ready")))
      yield* Effect.sleep(50)
      yield* store.remove("a")
      expect(yield* Fiber.join(story)).toBe("SessionNotFound")
      expect(yield* Fiber.join(waiting)).toBe("SessionNotFound")
      expect(yield* store.events("a")).toEqual([])
      expect((yield* store.create({ config: configOf("a") })).revision).toBe(1)
    }))

  test("waits for a session to be as asked", (store) =>
    Effect.gen(function* () {
      yield* store.create({ config: configOf("a") })
      const waiting = yield* Effect.forkChild(store.waitFor("a", ({ message }) => message === "here"))
      yield* Effect.forEach(["not", "yet", "here", "past"], (message) => store.update("a", { message }), {
        concurrency: "unbounded"
      })
      yield* store.update("a", { message: "here" })
      expect((yield* Fiber.join(waiting)).message).toBe("here")
    }))

  test("keeps secrets until the session is archived", (store) =>
    Effect.gen(function* () {
      const key = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"
      const credentials = { username: "me", token: Redacted.make("t0ken") }
      yield* store.create({
        config: configOf("a", { credentials, openCodePassword: Redacted.make("pass"), sshKey: Redacted.make(key) })
      })
      const secrets = yield* store.secrets("a")
      expect(secrets.credentials?.username).toBe("me")
      expect(Option.map(Option.fromUndefinedOr(secrets.credentials), ({ token }) => Redacted.value(token))).toEqual(
        Option.some("t0ken")
      )
      const others = [secrets.openCodePassword, secrets.sshKey].map((one) => one && Redacted.value(one))
      expect(others).toEqual(["pass", key])
      expect(JSON.stringify(yield* store.get("a"))).not.toContain("t0ken")
      yield* store.update("a", { status: "archived" })
      expect(yield* store.secrets("a")).toEqual({})
    }))

  test("gives a machine to one at a time", (store) =>
    Effect.gen(function* () {
      const takers = ["a", "b", "c"]
      const holders = yield* Effect.forEach(takers, (id) => store.holdMachine("vm", id), { concurrency: "unbounded" })
      expect(new Set(holders).size).toBe(1)
      const [holder = ""] = holders
      expect(yield* store.holdMachine("vm", holder)).toBe(holder)
      yield* store.releaseMachine("vm", "another")
      expect(yield* store.holdMachine("vm", "another")).toBe(holder)
      yield* store.releaseMachine("vm", holder)
      expect(yield* store.holdMachine("vm", "another")).toBe("another")
      expect(yield* store.holdMachine("other vm", holder)).toBe(holder)
    }))

  it.effect("never goes back in time", () =>
    Effect.gen(function* () {
      const store = yield* SessionStore
      yield* TestClock.setTime(5000)
      yield* store.create({ config: configOf("a") })
      yield* TestClock.setTime(4000)
      yield* store.update("a", { message: "later" })
      expect((yield* store.get("a")).updatedAt).toBe(5000)
    }).pipe(Effect.provide(fresh))
  )
}
