/** Many bytes to the machine as they are, with the terminal made ready for them. */
import { Deferred, Effect, type Scope } from "effect"
import * as Crypto from "node:crypto"
import { type Agent, newId } from "../agent.ts"
import { cksum } from "../cksum.ts"
import type { SerialError } from "../../SerialError.ts"

/** Longer than the terminal takes to be made ready. */
const readyWithin = "5 seconds"
/** Slower than any line that is still of use, in bytes a millisecond. */
const slowest = 2
/** Longer than the machine's side waits for bytes. */
const patience = 8000
const tries = 6

const sumsOf = (bytes: Uint8Array): string =>
  `${cksum([bytes])} ${Crypto.createHash("md5").update(bytes).digest("hex")}`

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
      if (answer.kind === "pg") Deferred.doneUnsafe(ready, Effect.succeed(true))
      if (answer.kind === "pr") end(answer.fields[1] === "1")
    }
  })
  const over = newId()
  yield* agent.send("pN", id, name, bytes.length, sumsOf(bytes), over)
  const isReady = yield* Effect.timeoutOption(Deferred.await(ready), readyWithin)
  if (isReady._tag === "Some" && isReady.value) yield* agent.write(bytes)
  const isRight = yield* Effect.timeoutOption(Deferred.await(done), patience + bytes.length / slowest)
  if (isRight._tag === "Some" && isRight.value) return true
  yield* agent.write(new TextEncoder().encode(`\n${over}\n`))
  return false
})

/**
 * Brings bytes into a file of the program's folder, whole. Fails with `undefined` where nobody answers. It is not to be
 * interrupted: begun and not ended, it would leave the terminal to nobody.
 */
export const push = (agent: Agent, name: string, bytes: Uint8Array): Effect.Effect<void, SerialError | undefined> =>
  Effect.gen(function* () {
    for (let tried = 0; tried < tries; tried++) {
      if (yield* Effect.scoped(attempt(agent, name, bytes))) return
      const id = String(agent.nextSequence())
      yield* agent.ask("P", [Number(id)], ({ fields, kind }) => kind === "p" && fields[0] === id)
    }
    return yield* Effect.fail(undefined)
  }).pipe(Effect.uninterruptible)
