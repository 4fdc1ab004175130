/** Many bytes to the machine as they are, with the terminal made ready for them. */
import { Clock, Deferred, Effect, type Scope } from "effect"
import * as Crypto from "node:crypto"
import type { SerialError } from "../SerialError.ts"
import { type Agent, newId } from "./agent.ts"
import { cksum } from "./cksum.ts"

/** Longer than the terminal takes to be made ready. */
const readyMs = 5000
/** Longer than the machine's side waits for bytes that do not come, and then for the word that they are over. */
const silentMs = 5000
/** Slower than any line that many bytes are sent over as they are, in bytes a millisecond. */
const slowest = 4
/** What was taken and has not arrived is not more than this. */
const onTheWay = 65_536
/** So much is sent at a time, to see whether it is taken. */
const chunk = 8192
const tries = 2

const sumsOf = (bytes: Uint8Array): string =>
  `${cksum([bytes])} ${Crypto.createHash("md5").update(bytes).digest("hex")}`

/** Whether the machine took all of it. */
const sendAll = Effect.fnUntraced(function* (agent: Agent, bytes: Uint8Array) {
  for (let at = 0; at < bytes.length; at += chunk) {
    const begun = yield* Clock.monotonicTimeNanos
    yield* agent.write(bytes.subarray(at, at + chunk))
    if (Number((yield* Clock.monotonicTimeNanos) - begun) / 1e6 > 2 * silentMs) return false
  }
  return true
})

/** One try: `true` when what is there is what was sent. */
const attempt = Effect.fnUntraced(function* (
  agent: Agent,
  name: string,
  bytes: Uint8Array
): Effect.fn.Return<boolean, SerialError | undefined, Scope.Scope> {
  const id = agent.nextSequence()
  const ready = yield* Deferred.make<boolean>()
  const done = yield* Deferred.make<boolean>()
  const end = (isRight: boolean): void => {
    Deferred.doneUnsafe(ready, Effect.succeed(false))
    Deferred.doneUnsafe(done, Effect.succeed(isRight))
  }
  yield* agent.hear({
    answer: (answer) => {
      if (answer?.kind === "n") return end(false)
      if (answer?.fields[0] !== String(id)) return
      if (answer.kind === "w") Deferred.doneUnsafe(ready, Effect.succeed(true))
      if (answer.kind === "i") end(answer.fields[1] === "1")
    }
  })
  const over = newId()
  const begin = agent.send("I", id, name, bytes.length, sumsOf(bytes), over)
  const finish = agent.write(new TextEncoder().encode(`\n${over}\n`))
  const within = (ms: number) =>
    Effect.map(Effect.timeoutOption(Deferred.await(done), ms), (ended) =>
      ended._tag === "Some" ? ended.value : undefined
    )
  yield* begin
  const isReady = yield* Effect.timeoutOption(Deferred.await(ready), readyMs)
  if (isReady._tag === "Some" && isReady.value) {
    const isTaken = yield* sendAll(agent, bytes)
    const from = yield* Clock.monotonicTimeNanos
    const limit = isTaken ? silentMs + Math.min(bytes.length, onTheWay) / slowest : silentMs
    for (;;) {
      const isRight = yield* within(2 * agent.patienceMs() + 500)
      if (isRight === true) return true
      if (isRight === false || Number((yield* Clock.monotonicTimeNanos) - from) / 1e6 > limit) break
      // A word that was lost is said again, and bytes that were lost have others in their place.
      yield* Effect.andThen(finish, begin)
      // A terminal that repeats it has another reader now.
      if ((yield* agent.screen).includes(over)) break
    }
  } else if ((yield* within(silentMs)) === true) return true
  yield* finish
  return false
})

/**
 * Brings bytes into a file of the program's folder, whole; `false` where they came damaged each time. Fails with `undefined`
 * where nobody answers. It is not to be interrupted: begun and not ended, it would leave the terminal to nobody for seconds.
 */
export const push = (agent: Agent, name: string, bytes: Uint8Array): Effect.Effect<boolean, SerialError | undefined> =>
  Effect.gen(function* () {
    for (let tried = 0; tried < tries; tried++) {
      if (yield* Effect.scoped(attempt(agent, name, bytes))) return true
      const id = String(agent.nextSequence())
      yield* agent.ask("P", [Number(id)], ({ fields, kind }) => kind === "p" && fields[0] === id)
    }
    return false
  }).pipe(Effect.uninterruptible)
