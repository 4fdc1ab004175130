import { Schema } from "effect"

/**
 * One run of a session on one machine. `createdAt` tells the session from a removed one that had the same id: the engine
 * takes a run up only once.
 */
export const Run = Schema.Struct({
  sessionId: Schema.String,
  vmId: Schema.String,
  createdAt: Schema.Finite,
  run: Schema.Int
})

export type Run = typeof Run.Type

/** A run in one word, which begins with the session's id. */
export const keyOf = ({ createdAt, run, sessionId }: Run): string => `${sessionId}/${createdAt}/${run}`
