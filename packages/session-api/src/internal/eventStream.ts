/** The history of a session as server-sent events that end when the server stops, and never fall silent. */
import { Clock, Context, Deferred, type Duration, Effect, Stream } from "effect"
import * as Session from "@toehold/bootstrap-service/Session"
import type { SessionStore } from "@toehold/bootstrap-service/SessionStore"
import type { StreamEvent } from "../SessionApi.ts"
import * as sessionDocument from "./sessionDocument.ts"

/** Done when the server is about to stop: streams end then, and their readers come back to another one. */
export class Stopping extends Context.Service<Stopping, Deferred.Deferred<void>>()("@toehold/session-api/Stopping") {}

/** 0 where there is none; `undefined` for what is no id. */
export const lastEventId = (text: string | undefined): number | undefined => {
  if (text === undefined || text === "") return 0
  const id = Number(text)
  return /^\d{1,15}$/.test(text) && Number.isSafeInteger(id) ? id : undefined
}

const beat = Effect.map(Clock.currentTimeMillis, (now): StreamEvent => ({
  event: "heartbeat",
  data: { at: new Date(now).toISOString() }
}))

export interface Options {
  readonly store: SessionStore["Service"]
  readonly stopping: Deferred.Deferred<void>
  readonly sessionId: string
  /** Begin behind this event. */
  readonly after: number
  /** End when nothing goes on any more and all was told. */
  readonly untilSettled: boolean
  readonly heartbeat: Duration.Input
}

export const make = ({
  after,
  heartbeat,
  sessionId,
  stopping,
  store,
  untilSettled
}: Options): Stream.Stream<StreamEvent> => {
  /** A session that is settled may have been so before, and retried: what counts is how it is now. */
  const isAllTold = (id: number) =>
    Effect.map(store.get(sessionId), (session) => Session.isSettled(session) && session.revision <= id)
  const events = store.watch(sessionId, { after })
  const bounded = untilSettled
    ? Stream.unwrap(
        Effect.map(isAllTold(after), (isOver) =>
          isOver
            ? Stream.empty
            : Stream.takeUntilEffect(events, (event) =>
                Session.isSettled(event) ? isAllTold(event.id) : Effect.succeed(false)
              )
        )
      )
    : events
  const told = bounded.pipe(
    Stream.map((event): StreamEvent => ({
      id: String(event.id),
      event: "session",
      data: sessionDocument.ofEvent(event)
    })),
    // The session was removed, or the database is gone: the reader learns which of them when it comes back.
    Stream.catch((error) =>
      Stream.fromEffectDrain(Effect.logDebug("A stream of events ended early", { error: error.message }))
    )
  )
  // One at once, so that the reader knows that it is connected.
  const beats = Stream.mapEffect(Stream.tick(heartbeat), () => beat)
  return Stream.merge(told, beats, { haltStrategy: "left" }).pipe(Stream.interruptWhen(Deferred.await(stopping)))
}
