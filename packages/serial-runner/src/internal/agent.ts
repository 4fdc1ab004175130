/** The conversation with the program on the machine's side: requests that are sent until they are answered, once. */
import { Deferred, Effect, type Scope } from "effect"
import { randomBytes } from "node:crypto"
import * as SerialError from "../SerialError.ts"
import type { SerialConsole } from "../SerialConsole.ts"
import * as AgentScript from "./agentScript.ts"
import { type Answer, AnswerParser } from "./answers.ts"

/** What the program said of the machine when it began. */
export interface Machine {
  readonly pid: number
  readonly uid: number
  /** Differs after each start of the machine; empty where there is no way to tell. */
  readonly bootId: string
  readonly hasSetsid: boolean
  /** A folder of the program's own, gone with it. */
  readonly folder: string
}

export interface Agent {
  readonly machine: Machine
  /** The next number for something that runs. */
  readonly nextSequence: () => number
  /**
   * Sends a request until it is answered by one of the kinds, for its number where it has one. Fails with `undefined`
   * where no answer comes: nobody is there any more.
   */
  readonly ask: (
    call: string,
    args: ReadonlyArray<string | number>,
    accept: (answer: Answer) => boolean,
    options?: { readonly patience?: number }
  ) => Effect.Effect<Answer, SerialError.SerialError | undefined>
  /** Sends a line without waiting for anything. */
  readonly send: (call: string, ...args: ReadonlyArray<string | number>) => Effect.Effect<void, SerialError.SerialError>
  /** Hears everything from now on, until the scope closes. */
  readonly hear: (ear: Ear) => Effect.Effect<void, never, Scope.Scope>
}

/** Who hears what the program's side says. */
export interface Ear {
  readonly bytes?: (data: Uint8Array) => void
  /** A damaged line is `undefined`. */
  readonly answer?: (answer: Answer | undefined) => void
}

/** How long a request waits for its answer before it is sent again, and how often. */
const answerWithin = "1500 millis"
const sends = 4

export const newId = (): string => randomBytes(8).toString("hex")

/** Hears a program with a nonce, from now on until the scope closes. */
export const listen = Effect.fnUntraced(function* (
  console: SerialConsole["Service"],
  nonce: string
): Effect.fn.Return<Set<Ear>, never, Scope.Scope> {
  const ears = new Set<Ear>()
  const parser = new AnswerParser(nonce, {
    bytes: (data) => {
      for (const ear of ears) ear.bytes?.(data)
    },
    answer: (answer) => {
      for (const ear of ears) ear.answer?.(answer)
    },
    damaged: () => {
      for (const ear of ears) ear.answer?.(undefined)
    }
  })
  yield* console.listen(({ data }) => parser.push(data))
  return ears
})

const hearing = (ears: Set<Ear>, ear: Ear): Effect.Effect<void, never, Scope.Scope> =>
  Effect.asVoid(
    Effect.acquireRelease(
      Effect.sync(() => ears.add(ear)),
      () => Effect.sync(() => ears.delete(ear))
    )
  )

/** The first answer from now on that passes. */
const awaitAnswer = Effect.fnUntraced(function* (ears: Set<Ear>, accept: (answer: Answer | undefined) => boolean) {
  const found = yield* Deferred.make<Answer | undefined>()
  yield* hearing(ears, {
    answer: (answer) => {
      if (accept(answer)) Deferred.doneUnsafe(found, Effect.succeed(answer))
    }
  })
  return found
})

/** What the program's first answer says. */
const machineOf = ({ fields }: Answer): Machine => {
  const [pid, uid, bootId = "none", setsid, ...folder] = fields
  return {
    pid: Number(pid),
    uid: Number(uid),
    bootId: bootId === "none" ? "" : bootId,
    hasSetsid: setsid === "setsid",
    folder: folder.join(" ")
  }
}

/** A program that has begun: `machine` is what it said then. */
export const make = (
  write: (bytes: Uint8Array) => Effect.Effect<void, SerialError.SerialError>,
  ears: Set<Ear>,
  machine: Answer
): Agent => {
  let sequence = 0
  const sendLine = (line: string) => write(encode(line))
  return {
    machine: machineOf(machine),
    nextSequence: () => (sequence += 1),
    hear: (ear) => hearing(ears, ear),
    send: (call, ...args) => sendLine(AgentScript.requestLine(call, ...args)),
    ask: (call, args, accept, options) =>
      Effect.scoped(
        Effect.gen(function* () {
          const line = AgentScript.requestLine(call, ...args)
          for (let sent = 0; sent < (options?.patience ?? sends); sent++) {
            const answered = yield* awaitAnswer(
              ears,
              (answer) => answer?.kind === "n" || (answer !== undefined && accept(answer))
            )
            // What a damaged line left behind must not become the beginning of this one.
            yield* sendLine(sent === 0 ? line : `\n${line}`)
            const answer = yield* Effect.timeoutOption(Deferred.await(answered), answerWithin)
            if (answer._tag === "Some" && answer.value !== undefined && answer.value.kind !== "n") return answer.value
          }
          return yield* Effect.fail(undefined)
        })
      )
  }
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Types the program in at a prompt. Answers `undefined` where nobody takes it. */
export const install = Effect.fnUntraced(function* (
  console: SerialConsole["Service"],
  write: (bytes: Uint8Array) => Effect.Effect<void, SerialError.SerialError>,
  within: { readonly start: number; readonly ready: number }
): Effect.fn.Return<Agent | undefined, SerialError.SerialError, Scope.Scope> {
  const [id, nonce] = [newId(), newId()]
  const started = yield* Deferred.make<boolean>()
  const go = `@${id} go`
  let tail = ""
  const starting = Effect.gen(function* () {
    yield* console.listen(({ data }) => {
      tail = (tail + Buffer.from(data).toString("latin1")).slice(-4096)
      if (tail.includes(go)) Deferred.doneUnsafe(started, Effect.succeed(true))
    })
    yield* write(encode(AgentScript.starter(id)))
    return yield* Effect.timeoutOrElse(Deferred.await(started), {
      duration: within.start,
      orElse: () => Effect.succeed(false)
    })
  })
  if (!(yield* Effect.scoped(starting))) return undefined
  const ears = yield* listen(console, nonce)
  const ready = yield* awaitAnswer(ears, (answer) => answer?.kind === "a")
  yield* write(encode(AgentScript.programLines(id, nonce)))
  const answer = yield* Effect.timeoutOption(Deferred.await(ready), within.ready)
  return answer._tag === "Some" && answer.value !== undefined ? make(write, ears, answer.value) : undefined
})
