/** The conversation with the program on the machine's side: requests that are sent until they are answered, once. */
import { Clock, Deferred, Effect, type Scope } from "effect"
import { createHash, randomBytes } from "node:crypto"
import * as SerialError from "../SerialError.ts"
import type { SerialConsole } from "../SerialConsole.ts"
import * as AgentScript from "./agentScript.ts"
import { type Answer, AnswerParser } from "./answers.ts"
import { cksum } from "./cksum.ts"
import { Reach } from "./reach.ts"
import * as Screen from "./screen.ts"

/** What the program said of the machine when it began. */
export interface Machine {
  readonly pid: number
  readonly uid: number
  /** Differs after each start of the machine; empty where there is no way to tell. */
  readonly bootId: string
  readonly hasSetsid: boolean
  /** The terminal and its programs can take bytes as they are. */
  readonly takesRaw: boolean
  /** A folder of the program's own, gone with it. */
  readonly folder: string
}

export interface Agent {
  readonly machine: Machine
  /** The next number for something that runs. */
  readonly nextSequence: () => number
  /**
   * Sends a request until it is answered by one of the kinds, for its number where it has one. Fails with `undefined`
   * where no answer comes: nobody is there any more. `patience` is how often it is sent, where that need not mean so.
   */
  readonly ask: (
    call: string,
    args: ReadonlyArray<string | number>,
    accept: (answer: Answer) => boolean,
    options?: { readonly patience?: number }
  ) => Effect.Effect<Answer, SerialError.SerialError | undefined>
  /** Sends a request without waiting for anything. */
  readonly send: (call: string, ...args: ReadonlyArray<string | number>) => Effect.Effect<void, SerialError.SerialError>
  /** Sends bytes as they are. */
  readonly write: (bytes: Uint8Array) => Effect.Effect<void, SerialError.SerialError>
  /** Hears everything from now on, until the scope closes. */
  readonly hear: (ear: Ear) => Effect.Effect<void, never, Scope.Scope>
  /** How much output is asked for at a time on this line. */
  readonly reach: Reach
  /** How long an answer may take on this line before it is worth asking again, in milliseconds. */
  readonly patienceMs: () => number
  /** Why the port has ended, when it does. */
  readonly closed: Effect.Effect<SerialError.SerialError>
  readonly isClosed: Effect.Effect<boolean>
  /** How much the machine had printed when it answered last. */
  readonly heardAt: () => number
  /** Nobody answered, and nobody will. */
  readonly isGone: () => boolean
  /** What the console shows last. */
  readonly screen: Effect.Effect<string>
}

/** Who hears what the program's side says. */
export interface Ear {
  readonly bytes?: (data: Uint8Array) => void
  /** A damaged line is `undefined`. */
  readonly answer?: (answer: Answer | undefined) => void
}

/** How long a request waits for its answer before it is sent again: several times what answers took until now. */
const waits = { first: 1000, least: 100, most: 1500 } as const
const sends = 9

/** A machine that does not take what it is sent for so long, and this long a byte, takes nothing any more. */
const taking = { leastMs: 5000, byteMs: 2 } as const

export const newId = (): string => randomBytes(8).toString("hex")

export const isClosed = (console: SerialConsole["Service"]): Effect.Effect<boolean> =>
  Effect.raceFirst(Effect.as(console.closed, true), Effect.succeed(false))

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

interface Listening {
  readonly ears: Set<Ear>
  readonly heardAt: () => number
}

/** Hears a program with a nonce, from now on until the scope closes. */
const listen = Effect.fnUntraced(function* (
  console: SerialConsole["Service"],
  nonce: string
): Effect.fn.Return<Listening, never, Scope.Scope> {
  const ears = new Set<Ear>()
  let offset = yield* console.offset
  let heardAt = offset
  const parser = new AnswerParser(nonce, {
    bytes: (data) => {
      for (const ear of ears) ear.bytes?.(data)
    },
    answer: (answer) => {
      heardAt = offset
      for (const ear of ears) ear.answer?.(answer)
    },
    damaged: () => {
      for (const ear of ears) ear.answer?.(undefined)
    }
  })
  yield* console.listen((piece) => {
    offset = piece.offset + piece.data.length
    parser.push(piece.data)
  })
  return { ears, heardAt: () => heardAt }
})

const hearing = (ears: Set<Ear>, ear: Ear): Effect.Effect<void, never, Scope.Scope> =>
  Effect.asVoid(
    Effect.acquireRelease(
      Effect.sync(() => ears.add(ear)),
      () => Effect.sync(() => ears.delete(ear))
    )
  )

/** What the program's first answer says. */
const machineOf = ({ fields }: Answer): Machine => {
  const [pid, uid, bootId = "none", setsid, raw, ...folder] = fields
  return {
    pid: Number(pid),
    uid: Number(uid),
    bootId: bootId === "none" ? "" : bootId,
    hasSetsid: setsid === "setsid",
    takesRaw: raw === "raw",
    folder: Buffer.from(folder.join(" "), "latin1").toString("utf8")
  }
}

type Write = (bytes: Uint8Array) => Effect.Effect<void, SerialError.SerialError>

/** Waits for the line, and not for ever: what was not taken is like what was not answered. */
const bounded =
  (write: Write): Write =>
  (bytes) =>
    Effect.asVoid(Effect.timeoutOption(write(bytes), taking.leastMs + taking.byteMs * bytes.length))

/** A program that has begun: `first` is what it said then. */
const make = (console: SerialConsole["Service"], write: Write, { ears, heardAt }: Listening, first: Answer): Agent => {
  let sequence = 0
  let wait: number = waits.first
  let isGone = false
  ears.add({ answer: (answer) => void (isGone ||= answer?.kind === "x") })
  const screen = Effect.map(console.replay(1024), ({ data }) => Buffer.from(data).toString("latin1"))

  /** One answer, an `n` or a damaged one included, within a time. */
  const within = Effect.fnUntraced(function* (
    ms: number,
    request: Uint8Array,
    accept: (answer: Answer) => boolean
  ): Effect.fn.Return<Answer | undefined, SerialError.SerialError> {
    const found = Deferred.makeUnsafe<Answer>()
    const ear: Ear = {
      answer: (answer) => {
        if (answer !== undefined && (answer.kind === "n" || answer.kind === "x" || accept(answer))) {
          Deferred.doneUnsafe(found, Effect.succeed(answer))
        }
      }
    }
    ears.add(ear)
    const answered = Effect.andThen(write(request), Effect.timeoutOption(Deferred.await(found), ms))
    const answer = yield* Effect.ensuring(
      answered,
      Effect.sync(() => ears.delete(ear))
    )
    return answer._tag === "Some" ? answer.value : undefined
  })

  /** Nothing may be typed at a login prompt; an empty line does no harm there, and is answered where it only looks like one. */
  const isThere = Effect.gen(function* () {
    if (!Screen.isLogin(yield* screen)) return true
    return (yield* within(wait, encode("\n"), ({ kind }) => kind === "h")) !== undefined
  })

  /** A terminal that repeats what it is sent has another reader now. */
  const isReplaced = Effect.fnUntraced(function* (text: string, sent: number) {
    const shown = yield* screen
    const [line = ""] = text.split("\n")
    return Screen.plain(shown).replaceAll("\n", "").includes(line) || (sent > 2 && Screen.look(shown) !== undefined)
  })

  const ask: Agent["ask"] = Effect.fnUntraced(function* (call, args, accept, options) {
    const text = AgentScript.requestLines(call, ...args)
    const patience = options?.patience ?? sends
    let ms = wait
    for (let sent = 0; sent < patience; sent++) {
      if (isGone) break
      if (sent > 0 && (yield* isReplaced(text, sent))) break
      const begun = yield* Clock.monotonicTimeNanos
      if (yield* isThere) {
        // What a damaged line left behind must not become the beginning of this one.
        const answer = yield* within(ms, encode(sent === 0 ? text : `\n${text}`), accept)
        // It says when it ends.
        if (answer?.kind === "x" && !accept(answer)) break
        if (answer !== undefined && answer.kind !== "n") {
          const took = Number((yield* Clock.monotonicTimeNanos) - begun) / 1e6
          if (sent === 0) wait = Math.min(waits.most, Math.max(waits.least, 0.8 * wait + 0.2 * (8 * took + 50)))
          return answer
        }
        if (answer !== undefined) continue
      }
      ms = Math.min(waits.most, 2 * ms)
      wait = Math.min(waits.most, 1.5 * wait)
    }
    isGone ||= options?.patience === undefined
    return yield* Effect.fail(undefined)
  })

  return {
    machine: machineOf(first),
    nextSequence: () => (sequence += 1),
    hear: (ear) => hearing(ears, ear),
    send: (call, ...args) => write(encode(AgentScript.requestLines(call, ...args))),
    write,
    ask,
    reach: new Reach(),
    patienceMs: () => wait,
    closed: console.closed,
    isClosed: isClosed(console),
    heardAt,
    isGone: () => isGone,
    screen
  }
}

const sumsOf = (text: string): readonly [string, string] => {
  const bytes = encode(text)
  return [String(cksum([bytes])), createHash("md5").update(bytes).digest("hex")]
}

/** How often a part of the program is typed in again where the line damages it, and how long such a part is. */
const typings = 60
const partLength = 800

/** The first whole lines of a text, about so long. */
const firstLines = (text: string, length: number): string => text.slice(0, text.indexOf("\n", length - 1) + 1) || text

/** Types the program in at a prompt. Answers `undefined` where nobody takes it. */
export const install = Effect.fnUntraced(function* (
  console: SerialConsole["Service"],
  unbounded: Write,
  within: { readonly start: number; readonly quiet: number; readonly ready: number }
): Effect.fn.Return<Agent | undefined, SerialError.SerialError, Scope.Scope> {
  const write = bounded(unbounded)
  const [id, nonce] = [newId(), newId()]
  const reply = new RegExp(`@${id} ((?:ok|bad) (\\d+)) \\1[\\r\\n]`)
  let tail = ""
  let heard = 0
  let replied = Deferred.makeUnsafe<number>()
  const started = Deferred.makeUnsafe<boolean>()
  const ready = Deferred.makeUnsafe<Answer>()
  let isRun = false
  const starting = Effect.gen(function* () {
    yield* write(encode(AgentScript.starter(id)))
    // A prompt again, and silence: whoever is there did not take the line.
    const refusing = Effect.gen(function* () {
      for (;;) {
        const before = heard
        yield* Effect.sleep(within.quiet)
        if (heard > 0 && heard === before && Screen.isPrompt(tail)) return false
      }
    })
    return yield* Deferred.await(started).pipe(
      Effect.raceFirst(refusing),
      Effect.timeoutOrElse({ duration: within.start, orElse: () => Effect.succeed(false) })
    )
  })
  /** How far the other side is after what was sent. */
  const progress = Effect.fnUntraced(function* (text: string, ms: number) {
    replied = Deferred.makeUnsafe<number>()
    yield* write(encode(text))
    return yield* Effect.timeoutOption(Deferred.await(replied), ms)
  })
  /** Whoever took the first line leaves the terminal as it was. */
  const giveUp = Effect.suspend(() => write(encode(isRun ? "\nexit\n" : "\n.\n")))
  const typing = Effect.gen(function* () {
    yield* console.listen(({ data }) => {
      heard += data.length
      tail = (tail + Buffer.from(data).toString("latin1")).slice(-4096)
      if (tail.includes(`@${id} go`)) Deferred.doneUnsafe(started, Effect.succeed(true))
      const found = reply.exec(tail)
      if (found === null) return
      tail = tail.slice(found.index + found[0].length)
      Deferred.doneUnsafe(replied, Effect.succeed(Number(found[2])))
    })
    if (!(yield* starting)) return undefined
    const text = AgentScript.programText(id, nonce)
    let at = 0
    let silent = 0
    // On a good line all of it goes at once.
    let length = text.length
    for (let typed = 0; at < text.length && typed < typings; typed++) {
      const part = firstLines(text.slice(at), length)
      const lines = AgentScript.partLines(part, at, sumsOf)
      let now = yield* progress(lines, length === text.length ? 3 * within.ready : within.ready)
      if (now._tag === "None") now = yield* progress(AgentScript.askHowFar, within.ready)
      silent = now._tag === "None" ? silent + 1 : 0
      if (silent > 4) return undefined
      if (now._tag === "Some" && now.value <= text.length) at = now.value
      length = partLength
    }
    for (let asked = 0; at === text.length && asked < 8; asked++) {
      isRun = true
      yield* write(encode(AgentScript.runLine))
      const answer = yield* Effect.timeoutOption(Deferred.await(ready), within.ready)
      if (answer._tag === "Some") return answer.value
    }
    yield* giveUp
    return undefined
  })
  const listening = yield* listen(console, nonce)
  yield* hearing(listening.ears, {
    answer: (answer) => {
      if (answer?.kind === "a") Deferred.doneUnsafe(ready, Effect.succeed(answer))
    }
  })
  // The ear for what the starter says is there only until it is in.
  const first = yield* Effect.scoped(typing).pipe(
    Effect.onInterrupt(() => (Deferred.isDoneUnsafe(started) ? Effect.ignore(giveUp) : Effect.void))
  )
  return first === undefined ? undefined : make(console, write, listening, first)
})
