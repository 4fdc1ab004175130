/** Bringing bytes over to the machine, into a file of the program's folder, with a checksum. */
import { Deferred, Effect } from "effect"
import type * as SerialError from "../SerialError.ts"
import type { Agent } from "./agent.ts"
import * as AgentScript from "./agentScript.ts"
import type { Answer } from "./answers.ts"
import { isSumOf } from "./cksum.ts"

/** Bytes of one piece that is sent as it is: a damaged one is sent again. */
const rawPiece = 256 * 1024
/** Below this the switching of the terminal costs more than letters that need none. */
const rawFrom = 2048
const letters = 3000
const tries = 8

type Failure = SerialError.SerialError | undefined

/** The file that {@link stage} leaves. */
export const path = (agent: Agent, sequence: number): string => `${agent.machine.folder}/${sequence}.s`

const isFor =
  (kinds: string, sequence: number, index?: number) =>
  ({ fields, kind }: Answer): boolean =>
    kinds.includes(kind) && fields[0] === String(sequence) && (index === undefined || fields[1] === String(index))

/** Parts in letters that a terminal takes, never cut in the middle of an escape. */
const spelled = (bytes: Uint8Array): ReadonlyArray<string> => {
  const text = AgentScript.percentBytes(bytes)
  const parts: Array<string> = []
  for (let at = 0; at < text.length;) {
    let end = Math.min(text.length, at + letters)
    const escape = text.lastIndexOf("\\", end - 1)
    if (end < text.length && escape >= at && end - escape < 5) end = escape
    parts.push(text.slice(at, end))
    at = end
  }
  return parts
}

/**
 * Sends one piece as it is. The other side waits for so many bytes: where some were lost on the way, empty lines take
 * their place until it answers, and they are answered themselves where nobody waits for them.
 */
const sendRaw = Effect.fnUntraced(function* (
  agent: Agent,
  sequence: number,
  index: number,
  piece: Uint8Array
): Effect.fn.Return<boolean, Failure> {
  for (let sent = 0; sent < tries; sent++) {
    const answer = yield* Effect.scoped(
      Effect.gen(function* () {
        const ready = Deferred.makeUnsafe<"ready" | "refused">()
        let done = Deferred.makeUnsafe<Answer>()
        let isSending = false
        yield* agent.hear({
          answer: (answer) => {
            if (answer === undefined) return
            if (isFor("w", sequence, index)(answer)) Deferred.doneUnsafe(ready, Effect.succeed("ready"))
            if (answer.kind === "n") Deferred.doneUnsafe(ready, Effect.succeed("refused"))
            if (isSending && (answer.kind === "h" || isFor("i", sequence, index)(answer))) {
              Deferred.doneUnsafe(done, Effect.succeed(answer))
            }
          }
        })
        // What is left of the piece before must not become the beginning of this request.
        yield* agent.write(new Uint8Array([10]))
        yield* agent.send("I", sequence, index, piece.length)
        const isReady = yield* Effect.timeoutOption(Deferred.await(ready), 2 * agent.patienceMs() + 500)
        if (isReady._tag === "Some" && isReady.value === "refused") return undefined
        isSending = true
        if (isReady._tag === "Some") yield* agent.write(piece)
        // As long as the bytes take, and as long as an answer takes.
        let filler = 1
        for (let waited = 0; waited < 40; waited++) {
          const answer = yield* Effect.timeoutOption(Deferred.await(done), 2 * agent.patienceMs() + 200)
          if (answer._tag === "Some") {
            if (answer.value.kind === "i") return answer.value
            return undefined
          }
          done = Deferred.makeUnsafe<Answer>()
          yield* agent.write(new Uint8Array(filler).fill(10))
          filler = Math.min(piece.length, filler * 4)
        }
        return yield* Effect.fail(undefined)
      })
    )
    if (answer !== undefined && isSumOf(answer.fields[2] ?? "", [piece])) return true
  }
  return false
})

const sendSpelled = Effect.fnUntraced(function* (agent: Agent, sequence: number, bytes: Uint8Array) {
  const parts = spelled(bytes)
  for (const [index, part] of parts.entries()) {
    yield* agent.ask("S", [sequence, index, part], isFor("s", sequence, index))
  }
  return parts.length
})

const sendPieces = Effect.fnUntraced(function* (agent: Agent, sequence: number, bytes: Uint8Array) {
  let index = 0
  for (let at = 0; at < bytes.length; at += rawPiece) {
    if (!(yield* sendRaw(agent, sequence, index, bytes.subarray(at, at + rawPiece)))) {
      return yield* Effect.fail(undefined)
    }
    index += 1
  }
  return index
})

/**
 * Brings bytes into the file {@link path} of a number, whole. Fails with `undefined` where they can't be brought over.
 */
export const stage = Effect.fnUntraced(function* (
  agent: Agent,
  sequence: number,
  bytes: Uint8Array
): Effect.fn.Return<void, Failure> {
  const isRaw = agent.machine.takesRaw && bytes.length >= rawFrom
  for (let tried = 0; tried < tries; tried++) {
    const parts = yield* (isRaw ? sendPieces : sendSpelled)(agent, sequence, bytes)
    const joined = yield* agent.ask("J", [sequence, parts], isFor("j", sequence))
    if (isSumOf(joined.fields[1] ?? "", [bytes])) return
  }
  return yield* Effect.fail(undefined)
})
