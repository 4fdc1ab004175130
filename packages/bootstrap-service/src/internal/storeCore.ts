import { Cause, Deferred, type Duration, Effect, Option, Queue, Result, type Scope, Stream } from "effect"
import { oneLine } from "@toehold/shell/RemoteText"
import * as BootstrapError from "../BootstrapError.ts"
import type { Session } from "../Session.ts"
import * as SessionConfig from "../SessionConfig.ts"
import type { Condition, NewSession, Patch, SessionStore } from "../SessionStore.ts"
import { decodeCursor, encodeCursor } from "./pageCursor.ts"
import type { Seal } from "./secretSeal.ts"
import type { Applied, Backend, Change } from "./storeBackend.ts"

const maxEvents = 1000
const maxPage = 500
const defaultPage = 50

/** How many changes go into one transaction at most, so that none of them waits for long. */
const maxBatch = 256

interface Pending {
  readonly change: Change
  readonly done: Deferred.Deferred<Applied, BootstrapError.BootstrapError>
}

/** Somebody who waits for a session to change beyond what was seen of it. */
interface Waiter {
  seen: number
  /** The change, where it was made here and the session is at hand. */
  latest: Session | undefined
  bell: Deferred.Deferred<void>
}

/** The service on a backend: changes that come together share a transaction, and who waits is woken. */
export const makeStore = Effect.fnUntraced(function* <E, R>(
  makeBackend: Effect.Effect<Backend, E, R>,
  { pollInterval = 500, seal }: { readonly seal: Seal; readonly pollInterval?: Duration.Input | undefined }
): Effect.fn.Return<SessionStore["Service"], E, R | Scope.Scope> {
  const backend = yield* makeBackend
  const pending = yield* Queue.unbounded<Pending>()
  const waiters = new Map<string, Set<Waiter>>()

  const wake = (id: string, revision: number, session: Session | undefined): void => {
    for (const waiter of waiters.get(id) ?? []) {
      if (revision <= waiter.seen) continue
      waiter.latest = session
      Deferred.doneUnsafe(waiter.bell, Effect.void)
    }
  }

  const settle = (batch: ReadonlyArray<Pending>) =>
    Effect.map(backend.commit(batch.map(({ change }) => change)), (outcomes) => {
      for (const [at, outcome] of outcomes.entries()) {
        const entry = batch[at]
        if (entry !== undefined) Deferred.doneUnsafe(entry.done, Effect.fromResult(outcome))
        if (Result.isSuccess(outcome) && outcome.success.after !== outcome.success.before) {
          const { after } = outcome.success
          wake(after.id, after.revision, after)
        }
      }
    })

  // One change that the database refuses must not take those with it that happened to come at the same time. After a
  // connection that was lost nobody knows what was made of them, so that they must not be made again.
  const settleAll = (batch: ReadonlyArray<Pending>): Effect.Effect<void> =>
    Effect.catchCause(settle(batch), (cause) => {
      const error = Option.getOrUndefined(Cause.findErrorOption(cause))
      return batch.length > 1 && error?.isRetryable === false
        ? Effect.forEach(batch, (entry) => settleAll([entry]), { discard: true })
        : Effect.sync(() => {
            for (const { done } of batch) Deferred.doneUnsafe(done, Effect.failCause(cause))
          })
    })

  yield* Queue.takeBetween(pending, 1, maxBatch).pipe(Effect.flatMap(settleAll), Effect.forever, Effect.forkScoped)

  /** Somebody else may have changed something that was not looked at yet. */
  let isBehind = true
  const poll = Effect.gen(function* () {
    if (waiters.size === 0) return
    isBehind = (yield* backend.mayHaveChanged) || isBehind
    if (!isBehind) return
    const ids = [...waiters.keys()]
    const revisions = yield* backend.revisions(ids)
    isBehind = false
    // A session that is gone has changed too.
    for (const id of ids) wake(id, revisions.get(id) ?? Number.POSITIVE_INFINITY, undefined)
  })
  yield* Effect.ignore(poll).pipe(Effect.delay(pollInterval), Effect.forever, Effect.forkScoped)

  const commit = (change: Change): Effect.Effect<Applied, BootstrapError.BootstrapError> =>
    Effect.suspend(() => {
      const done = Deferred.makeUnsafe<Applied, BootstrapError.BootstrapError>()
      return Effect.andThen(Queue.offer(pending, { change, done }), Deferred.await(done))
    })

  const get = Effect.fnUntraced(function* (id: string) {
    const session = yield* backend.find(id)
    return session ?? (yield* notFound(id))
  })

  const modify = (id: string, change: (session: Session) => Option.Option<Patch>) =>
    commit({
      id,
      apply: (current, now) => {
        if (current === undefined) return Result.fail(BootstrapError.make(new BootstrapError.SessionNotFound({ id })))
        return Result.succeed(
          Option.match(change(current), { onNone: () => current, onSome: (patch) => patched(current, patch, now) })
        )
      }
    }).pipe(Effect.map(({ after, before }) => (after === before ? Option.none() : Option.some(after))))

  /** Somebody who waits for changes of a session for as long as the effect takes. */
  const waiting = <A, E2>(
    id: string,
    seen: number,
    use: (waiter: Waiter) => Effect.Effect<A, E2>
  ): Effect.Effect<A, E2> =>
    Effect.acquireUseRelease(
      Effect.sync(() => {
        const waiter: Waiter = { seen, latest: undefined, bell: Deferred.makeUnsafe() }
        const others = waiters.get(id) ?? new Set()
        others.add(waiter)
        waiters.set(id, others)
        return waiter
      }),
      use,
      (waiter) =>
        Effect.sync(() => {
          const others = waiters.get(id)
          others?.delete(waiter)
          if (others?.size === 0) waiters.delete(id)
        })
    )

  /** The session once it has changed beyond what the waiter saw. */
  const nextChange = Effect.fnUntraced(function* (id: string, waiter: Waiter) {
    while (true) {
      yield* Deferred.await(waiter.bell)
      const { latest } = waiter
      waiter.bell = Deferred.makeUnsafe()
      waiter.latest = undefined
      const session = latest ?? (yield* get(id))
      // The bell may have rung for what was seen since.
      if (session.revision <= waiter.seen) continue
      waiter.seen = session.revision
      return session
    }
  })

  const waitFor = (id: string, predicate: (session: Session) => boolean) =>
    waiting(id, 0, (waiter) =>
      Effect.gen(function* () {
        let session = yield* get(id)
        waiter.seen = session.revision
        while (!predicate(session)) session = yield* nextChange(id, waiter)
        return session
      })
    )

  const nextEvents = (id: string, after: number) =>
    waiting(id, after, (waiter) =>
      Effect.gen(function* () {
        const events = yield* backend.events(id, after, maxEvents)
        if (events.length > 0) return events
        yield* get(id)
        yield* nextChange(id, waiter)
        return yield* backend.events(id, after, maxEvents)
      })
    )

  return {
    create: Effect.fn("SessionStore.create")(function* (session: NewSession) {
      const { secrets, storable } = SessionConfig.split(session.config)
      const id = storable.sessionId
      const applied = yield* commit({
        id,
        secrets: seal.close(id, secrets),
        apply: (current, now) =>
          current === undefined
            ? Result.succeed(created(storable, session.owner ?? "", now))
            : Result.fail(BootstrapError.make(new BootstrapError.SessionExists({ id })))
      })
      return applied.after
    }),
    get: Effect.fn("SessionStore.get")(get),
    secrets: Effect.fn("SessionStore.secrets")(function* (id) {
      const text = yield* backend.secrets(id)
      return text === undefined ? {} : yield* Effect.fromResult(seal.open(id, text))
    }),
    update: (id, patch, condition = {}) =>
      modify(id, (session) => (holds(condition, session) ? Option.some(patch) : Option.none())),
    modify,
    list: Effect.fn("SessionStore.list")(function* ({ after, limit = defaultPage, ...filter } = {}) {
      const beyond = after === undefined ? undefined : yield* Effect.fromResult(decodeCursor(after))
      const size = Math.min(Math.max(Math.trunc(limit), 1), maxPage)
      // One more than asked for says whether there is a page after this one.
      const found = yield* backend.list(filter, size + 1, beyond)
      const sessions = found.slice(0, size)
      const last = sessions.at(-1)
      return { sessions, next: found.length > size && last !== undefined ? encodeCursor(last) : undefined }
    }),
    remove: Effect.fn("SessionStore.remove")(function* (id) {
      yield* backend.remove(id)
      wake(id, Number.POSITIVE_INFINITY, undefined)
    }),
    events: (id, { after = 0 } = {}) => backend.events(id, after, maxEvents),
    watch: (id, { after = 0 } = {}) =>
      Stream.paginate(after, (position) =>
        Effect.map(nextEvents(id, position), (events) => [events, Option.some(events.at(-1)?.id ?? position)] as const)
      ),
    waitFor,
    holdMachine: backend.hold,
    releaseMachine: backend.release
  }
})

const notFound = (id: string) => BootstrapError.make(new BootstrapError.SessionNotFound({ id }))

const holds = ({ ifRun, ifStatus }: Condition, session: Session): boolean =>
  (ifRun === undefined || session.run === ifRun) &&
  (ifStatus === undefined ||
    (typeof ifStatus === "string" ? session.status === ifStatus : ifStatus.includes(session.status)))

const created = (config: SessionConfig.Storable, owner: string, now: number): Session => ({
  id: config.sessionId,
  owner,
  status: "creating",
  run: 1,
  step: null,
  message: "Waiting to begin",
  failure: null,
  vmId: config.vmId,
  workspacePath: null,
  config,
  steps: [],
  createdAt: now,
  updatedAt: now,
  revision: 1
})

const patched = (session: Session, patch: Patch, now: number): Session => ({
  ...session,
  ...Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined)),
  message: oneLine(patch.message ?? session.message),
  // A clock that was set back must not turn a history around.
  updatedAt: Math.max(now, session.updatedAt),
  revision: session.revision + 1
})
