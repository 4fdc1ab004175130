import { describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Logger, Option, Redacted, Schema, Stream } from "effect"
import * as BootstrapError from "../src/BootstrapError.ts"
import * as Database from "../src/Database.ts"
import * as MemoryStore from "../src/MemoryStore.ts"
import { type SessionEvent, stepOf } from "../src/Session.ts"
import * as SessionEngine from "../src/SessionEngine.ts"
import * as Sessions from "../src/Sessions.ts"
import { inOrder } from "../src/SessionStep.ts"
import { SessionStore } from "../src/SessionStore.ts"
import * as SqlStore from "../src/SqlStore.ts"
import { type Act, configOf, fakeMachines } from "./support/fakeMachines.ts"

const inMemory = (act: Act, options: Sessions.Options = {}) =>
  Sessions.layerWith(options).pipe(
    Layer.provideMerge([MemoryStore.layer, fakeMachines(act), SessionEngine.layerMemory])
  )

const inSqlite = (act: Act, options: Sessions.Options = {}) => {
  const database = Database.sqlite(":memory:")
  return Sessions.layerWith(options).pipe(
    Layer.provideMerge([SqlStore.layer, fakeMachines(act), SessionEngine.layer(database)]),
    Layer.provideMerge(Database.layer(database))
  )
}

const unreachable = BootstrapError.make(new BootstrapError.RepositoryUnreachable({ detail: "no route" }))
const gitMissing = BootstrapError.make(new BootstrapError.GitMissing({}))

const reasonOf = <A, R>(effect: Effect.Effect<A, BootstrapError.BootstrapError, R>) =>
  Effect.map(Effect.flip(effect), ({ reason }) => reason._tag)

/** What may follow what. */
const successors: Readonly<Record<string, ReadonlyArray<string>>> = {
  creating: ["creating", "ready", "error", "archived"],
  ready: ["archived"],
  error: ["creating", "archived"],
  archived: []
}

const expectLegal = (events: ReadonlyArray<SessionEvent>): void => {
  for (const [at, event] of events.entries()) {
    const before = events[at - 1]
    if (before !== undefined) expect(successors[before.status]).toContain(event.status)
  }
}

describe.each([
  ["memory", inMemory],
  ["SQLite", inSqlite]
])("Sessions in %s", (_, layer) => {
  const run = <A, E>(
    act: Act,
    body: (
      sessions: Sessions.Sessions["Service"],
      store: SessionStore["Service"]
    ) => Effect.Effect<A, E, Sessions.Sessions | SessionStore>,
    options: Sessions.Options = {}
  ) =>
    Effect.gen(function* () {
      return yield* body(yield* Sessions.Sessions, yield* SessionStore)
    }).pipe(Effect.provide(layer(act, options).pipe(Layer.provideMerge(Logger.layer([])))))

  it.live("come to ready, step by step", () => {
    const seen: Array<string> = []
    return run(
      (step) => Effect.sync(() => void seen.push(step)),
      (sessions, store) =>
        Effect.gen(function* () {
          yield* sessions.create({ config: configOf("a") })
          const ready = yield* sessions.settled("a")
          expect(ready).toMatchObject({ status: "ready", message: "Ready", workspacePath: "/home/agent/workspaces/a" })
          expect(seen).toEqual(inOrder)
          expect(ready.steps.map(({ attempts, name, state }) => [name, state, attempts])).toEqual(
            inOrder.map((name) => [name, "done", 1])
          )
          for (const step of ready.steps) expect(step.endedAt).toBeGreaterThanOrEqual(step.startedAt)
          const events = yield* store.events("a")
          expect(events.map(({ id }) => id)).toEqual(events.map((_, at) => at + 1))
          expectLegal(events)
          expect(yield* reasonOf(sessions.create({ config: configOf("a") }))).toBe("SessionExists")
        })
    )
  })

  it.live("give the steps their secrets", () => {
    let token: string | undefined
    return run(
      (_, { credentials }) => Effect.sync(() => (token = credentials && Redacted.value(credentials.token))),
      (sessions) =>
        Effect.gen(function* () {
          yield* sessions.create({ config: configOf("a", { credentials: { token: Redacted.make("t0ken") } }) })
          yield* sessions.settled("a")
          expect(token).toBe("t0ken")
        })
    )
  })

  it.live("fail with what to do, and are retried from the step that failed", () => {
    const seen: Array<string> = []
    let isThere = false
    return run(
      (step) =>
        Effect.suspend(() => {
          seen.push(step)
          return step === "repository" && !isThere ? Effect.fail(gitMissing) : Effect.void
        }),
      (sessions) =>
        Effect.gen(function* () {
          yield* sessions.create({ config: configOf("a") })
          const failed = yield* sessions.settled("a")
          expect(failed).toMatchObject({
            status: "error",
            step: "repository",
            failure: { reason: "GitMissing", step: "repository", isRetryable: false, fix: gitMissing.fix }
          })
          isThere = true
          seen.splice(0)
          expect(yield* sessions.retry("a")).toMatchObject({ status: "creating", run: 2, failure: null })
          expect((yield* sessions.settled("a")).status).toBe("ready")
          expect(seen).toEqual(["repository", "openCode", "health"])
          expect(yield* reasonOf(sessions.retry("a"))).toBe("WrongStatus")
        })
    )
  })

  it.live("start an OpenCode again that has ended, when they are retried", () => {
    const ended = BootstrapError.make(
      new BootstrapError.OpenCodeFailed({ step: "health", detail: "it ended", log: [] })
    )
    const seen: Array<string> = []
    let failures = 1
    return run(
      (step) =>
        Effect.suspend(() => {
          seen.push(step)
          return step === "health" && failures-- > 0 ? Effect.fail(ended) : Effect.void
        }),
      (sessions) =>
        Effect.gen(function* () {
          yield* sessions.create({ config: configOf("a") })
          expect(yield* sessions.settled("a")).toMatchObject({ status: "error", failure: { step: "health" } })
          seen.splice(0)
          yield* sessions.retry("a")
          expect((yield* sessions.settled("a")).status).toBe("ready")
          expect(seen).toEqual(["openCode", "health"])
        })
    )
  })

  it.live("try a step again while that may help, as often as it may be", () => {
    let failures = 2
    return run(
      (step) => (step === "repository" && failures-- > 0 ? Effect.fail(unreachable) : Effect.void),
      (sessions) =>
        Effect.gen(function* () {
          yield* sessions.create({ config: configOf("a") })
          const ready = yield* sessions.settled("a")
          expect(ready.status).toBe("ready")
          expect(Option.map(stepOf(ready, "repository"), ({ attempts }) => attempts)).toEqual(Option.some(3))
          failures = 3
          yield* sessions.create({ config: configOf("b") })
          expect((yield* sessions.settled("b")).failure?.reason).toBe("RepositoryUnreachable")
        }),
      { policies: { repository: { pause: 1 } } }
    )
  })

  it.live("end a step that takes too long, and say when one has fallen silent", () =>
    run(
      (step, _, report) =>
        step === "network" ? Effect.andThen(report("Looking for the interface"), Effect.never) : Effect.void,
      (sessions, store) =>
        Effect.gen(function* () {
          yield* sessions.create({ config: configOf("a") })
          const failed = yield* sessions.settled("a")
          expect(failed.failure).toMatchObject({ reason: "StepTimeout", step: "network", outcome: "may-have-run" })
          const said = (yield* store.events("a")).map(({ message }) => message)
          expect(said).toContain("Looking for the interface")
          expect(said.some((message) => message.startsWith("Looking for the interface (no news for "))).toBe(true)
        }),
      { policies: { network: { timeLimit: 1000, stallAfter: 100, attempts: 1 } }, reportInterval: 1 }
    )
  )

  it.live("fail, and not hang, by a fault of the program", () =>
    run(
      (step) => (step === "console" ? Effect.die(new TypeError("a bug")) : Effect.void),
      (sessions) =>
        Effect.gen(function* () {
          yield* sessions.create({ config: configOf("a") })
          expect((yield* sessions.settled("a")).failure).toMatchObject({
            reason: "StepCrashed",
            step: "console",
            message: expect.stringContaining("a bug")
          })
        })
    )
  )

  it.live("stop in the middle of a step when they are archived, with what runs on the machine, for good", () => {
    const seen: Array<string> = []
    return Effect.gen(function* () {
      const begun = yield* Deferred.make<void>()
      const stopped = yield* Deferred.make<void>()
      yield* run(
        (step) =>
          Effect.suspend(() => {
            seen.push(step)
            if (step === "stop") return Effect.asVoid(Deferred.succeed(stopped, undefined))
            if (step !== "repository") return Effect.void
            return Effect.andThen(
              Deferred.succeed(begun, undefined),
              Effect.onInterrupt(Effect.never, () => Effect.sync(() => void seen.push("interrupted")))
            )
          }),
        (sessions, store) =>
          Effect.gen(function* () {
            yield* sessions.create({ config: configOf("a") })
            yield* Deferred.await(begun)
            expect((yield* sessions.archive("a")).status).toBe("archived")
            yield* Deferred.await(stopped)
            expect(seen).toEqual(["machine", "console", "network", "workspace", "repository", "interrupted", "stop"])
            expect(yield* reasonOf(sessions.retry("a"))).toBe("WrongStatus")
            expect(yield* reasonOf(sessions.abort("a"))).toBe("WrongStatus")
            const { revision } = yield* sessions.archive("a")
            yield* Effect.sleep(100)
            expect(yield* store.get("a")).toMatchObject({ status: "archived", revision })
          })
      )
    })
  })

  it.live("stop when they are aborted, and can be retried then", () => {
    let isSlow = true
    return Effect.gen(function* () {
      const begun = yield* Deferred.make<void>()
      yield* run(
        (step) =>
          step === "workspace" && isSlow
            ? Effect.andThen(Deferred.succeed(begun, undefined), Effect.never)
            : Effect.void,
        (sessions) =>
          Effect.gen(function* () {
            yield* sessions.create({ config: configOf("a") })
            yield* Deferred.await(begun)
            expect((yield* sessions.abort("a")).failure).toMatchObject({ reason: "Aborted", step: "workspace" })
            isSlow = false
            yield* sessions.retry("a")
            expect((yield* sessions.settled("a")).status).toBe("ready")
          })
      )
    })
  })

  it.live("end what they run when they are archived after they are ready", () =>
    Effect.gen(function* () {
      const stopped = yield* Deferred.make<string>()
      yield* run(
        (step, { sessionId }) => (step === "stop" ? Effect.asVoid(Deferred.succeed(stopped, sessionId)) : Effect.void),
        (sessions) =>
          Effect.gen(function* () {
            yield* sessions.create({ config: configOf("a") })
            yield* sessions.settled("a")
            yield* sessions.archive("a")
            expect(yield* Deferred.await(stopped)).toBe("a")
          })
      )
    })
  )

  it.live("are made one at a time on a machine, in turn", () => {
    let now = 0
    let most = 0
    return run(
      (step) =>
        Effect.acquireUseRelease(
          Effect.sync(() => (most = Math.max(most, ++now))),
          () => (step === "machine" ? Effect.sleep(100) : Effect.void),
          () => Effect.sync(() => now--)
        ),
      (sessions, store) =>
        Effect.gen(function* () {
          const ids = ["a", "b"]
          yield* Effect.forEach(ids, (id) => sessions.create({ config: configOf(id, { vmId: "one" }) }))
          for (const id of ids) expect((yield* sessions.settled(id)).status).toBe("ready")
          expect(most).toBe(1)
          const said = yield* Effect.forEach(ids, (id) => store.events(id))
          expect(said.flat().some(({ message }) => message.startsWith("Waiting for session "))).toBe(true)
        })
    )
  })

  it.live("are not forgotten before what they run on their machine is stopped", () => {
    const seen: Array<string> = []
    return run(
      (step) =>
        Effect.gen(function* () {
          if (step === "stop") yield* Effect.sleep(100)
          seen.push(step)
        }),
      (sessions, store) =>
        Effect.gen(function* () {
          yield* sessions.create({ config: configOf("a") })
          yield* sessions.settled("a")
          yield* sessions.archive("a")
          yield* sessions.remove("a")
          expect(seen.at(-1)).toBe("stop")
          expect(yield* reasonOf(store.get("a"))).toBe("SessionNotFound")
          // One that is stopped while it is being made.
          seen.length = 0
          yield* sessions.create({ config: configOf("b") })
          yield* store.waitFor("b", ({ step }) => step === "workspace")
          yield* sessions.archive("b")
          yield* sessions.remove("b")
          expect(seen.at(-1)).toBe("stop")
        })
    )
  })

  it.live("are started by a later look when their start was lost, and made anew under an id that was removed", () =>
    run(
      () => Effect.void,
      (sessions, store) =>
        Effect.gen(function* () {
          yield* store.create({ config: configOf("a") })
          expect((yield* sessions.settled("a")).status).toBe("ready")
          yield* sessions.remove("a")
          yield* Effect.sleep(5)
          yield* sessions.create({ config: configOf("a") })
          expect(yield* reasonOf(sessions.remove("a"))).toBe("WrongStatus")
          expect((yield* sessions.settled("a")).status).toBe("ready")
        }),
      { sweepInterval: "50 millis" }
    )
  )

  it.effect.prop(
    "go only where their status allows, whoever does what when",
    { actions: Schema.Array(Schema.Literals(["retry", "abort", "archive", "wait", "fail"])) },
    ({ actions }) => {
      let fails = false
      const afterArchive: Array<string> = []
      let isArchived = false
      return run(
        (step) =>
          Effect.gen(function* () {
            if (isArchived && step !== "stop") afterArchive.push(step)
            yield* Effect.yieldNow
            if (fails && step === "network") return yield* gitMissing
          }),
        (sessions, store) =>
          Effect.gen(function* () {
            yield* sessions.create({ config: configOf("a") })
            const story = yield* store.watch("a").pipe(
              Stream.takeUntil(({ message }) => message === "over"),
              Stream.runCollect,
              Effect.forkChild
            )
            for (const action of actions.slice(0, 12)) {
              if (action === "wait") yield* sessions.settled("a")
              else if (action === "fail") fails = !fails
              else yield* Effect.ignore(sessions[action]("a"))
              isArchived ||= action === "archive"
            }
            const last = yield* sessions.settled("a")
            // A step that was just begun when it was archived is let go of; none begins any more.
            expect(afterArchive.length).toBeLessThanOrEqual(1)
            if (actions.slice(0, 12).includes("archive")) expect(last.status).toBe("archived")
            yield* store.update("a", { message: "over" })
            expectLegal((yield* Fiber.join(story)).slice(0, -1))
          })
      ).pipe(Effect.timeout("20 seconds"))
    },
    { arbitrary: { runs: 15 } }
  )
})
