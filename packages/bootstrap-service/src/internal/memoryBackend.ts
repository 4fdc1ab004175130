import { Clock, Effect } from "effect"
import { eventOf, type Session, type SessionEvent } from "../Session.ts"
import { applyAll, type Backend, type Cursor } from "./storeBackend.ts"

/** Newest first, as the databases order them. */
const byAge = (left: Cursor, right: Cursor): number =>
  right.createdAt - left.createdAt || (left.id < right.id ? 1 : left.id > right.id ? -1 : 0)

export const makeMemoryBackend: Effect.Effect<Backend> = Effect.sync(() => {
  const sessions = new Map<string, Session>()
  const history = new Map<string, Array<SessionEvent>>()
  const kept = new Map<string, string>()
  const holds = new Map<string, string>()
  return {
    commit: (changes) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        const { last, outcomes, secrets, states } = applyAll(changes, sessions, now)
        for (const [id, text] of secrets) kept.set(id, text)
        for (const [id, session] of last) {
          sessions.set(id, session)
          if (session.status === "archived") kept.delete(id)
        }
        for (const state of states) {
          const events = history.get(state.id) ?? []
          events.push(eventOf(state))
          history.set(state.id, events)
        }
        return outcomes
      }),
    find: (id) => Effect.sync(() => sessions.get(id)),
    secrets: (id) => Effect.sync(() => kept.get(id)),
    mayHaveChanged: Effect.succeed(false),
    revisions: (ids) =>
      Effect.sync(
        () =>
          new Map(
            ids.flatMap((id): ReadonlyArray<readonly [string, number]> => {
              const session = sessions.get(id)
              return session === undefined ? [] : [[id, session.revision]]
            })
          )
      ),
    list: (filter, limit, beyond) =>
      Effect.sync(() =>
        [...sessions.values()]
          .filter(
            (session) =>
              (filter.status === undefined || session.status === filter.status) &&
              (filter.owner === undefined || session.owner === filter.owner) &&
              (filter.vmId === undefined || session.vmId === filter.vmId) &&
              (beyond === undefined || byAge(beyond, session) < 0)
          )
          .sort(byAge)
          .slice(0, limit)
      ),
    remove: (id) =>
      Effect.sync(() => {
        sessions.delete(id)
        history.delete(id)
        kept.delete(id)
      }),
    events: (id, after, limit) =>
      Effect.sync(() => (history.get(id) ?? []).filter((event) => event.id > after).slice(0, limit)),
    hold: (vmId, id) =>
      Effect.sync(() => {
        const holder = holds.get(vmId) ?? id
        holds.set(vmId, holder)
        return holder
      }),
    release: (vmId, id) =>
      Effect.sync(() => {
        if (holds.get(vmId) === id) holds.delete(vmId)
      })
  }
})
