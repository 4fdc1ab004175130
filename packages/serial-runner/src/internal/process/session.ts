/** The program on the machine's side as it runs processes: who is told what it says, and how it is asked. */
import { type Cause, Deferred, Effect, Exit, Predicate, Queue, Scope, Semaphore } from "effect"
import * as Output from "../output.ts"
import type { Agent } from "../agent.ts"
import { blockBytes, quoted } from "../agentScript.ts"
import type { Answer } from "../answers.ts"
import * as Staging from "../staging.ts"
import * as SerialError from "../../SerialError.ts"
import type { SerialShell } from "../../SerialShell.ts"
import * as Script from "./script.ts"

export type StreamName = "o" | "e"

/** What a process is told. */
export interface Ears {
  /** What concerns the process: the kind, and the fields behind its number. */
  readonly said: (kind: string, fields: ReadonlyArray<string>) => void
  /** A piece of output that came whole. */
  readonly piece: (stream: StreamName, index: number, data: Buffer) => void
}

type Failed = SerialError.SerialError

export interface Session {
  /** Where the program keeps its files. */
  readonly folder: string
  readonly nextSequence: () => number
  /** Tells a process what concerns it, until it is over. */
  readonly add: (sequence: number, ears: Ears) => void
  /** Nothing of the process is needed any more; `isOver` where nothing of it can be there. */
  readonly forget: (sequence: number, isOver: boolean) => void
  /** Fails, with why, once nobody answers any more. */
  readonly failed: Effect.Effect<never, Failed>
  readonly isOver: () => boolean
  readonly ask: (
    call: string,
    args: ReadonlyArray<string | number>,
    accept: (answer: Answer) => boolean
  ) => Effect.Effect<Answer, Failed>
  /** Sends something when there is time, which needs no answer. */
  readonly later: (call: string, ...args: ReadonlyArray<string | number>) => void
  /** Puts bytes into the file `SEQUENCE.s` of the folder, compared with a checksum. */
  readonly place: (sequence: number, bytes: Uint8Array) => Effect.Effect<void, Failed>
  /** Reads a piece of output that did not come whole, in smaller ones. */
  readonly pull: (sequence: number, stream: StreamName, index: number) => Effect.Effect<Buffer, Failed>
  /** Everything that was said and not heard is to be said again. */
  readonly again: () => void
  /** Starts work that ends with the session. */
  readonly start: (effect: Effect.Effect<void>) => void
}

/** How long the machine's side may be silent while something runs there until it is asked. */
const silence = "2 seconds"
const soon = "100 millis"

/** Programs that have learnt it. */
const taught = new WeakSet<object>()

const teach = Effect.fnUntraced(function* (agent: Agent) {
  if (taught.has(agent)) return
  const sequence = agent.nextSequence()
  yield* Staging.stage(agent, sequence, new TextEncoder().encode(Script.source))
  yield* agent.send(`. ${quoted(Staging.path(agent, sequence))}`)
  const { fields } = yield* agent.ask(Script.ready, [], ({ kind }) => kind === "pp")
  if (fields[0] !== "fifo") {
    return yield* SerialError.make(
      new SerialError.FileFailed({
        path: agent.machine.folder,
        detail: "no named pipe can be made there (mkfifo)",
        outcome: "did-not-run"
      })
    )
  }
  taught.add(agent)
})

/** What is known of a process when its machine is gone: it may have run. */
const afterwards = (error: Failed): Failed =>
  error.reason._tag === "PortClosed"
    ? SerialError.make(
        new SerialError.PortClosed({ port: error.reason.port, detail: error.reason.detail, outcome: "may-have-run" })
      )
    : error

/** A session, until the scope closes or nobody answers any more. */
export const make = Effect.fnUntraced(function* (
  shell: SerialShell["Service"]
): Effect.fn.Return<Session, Failed, Scope.Scope> {
  const scope = yield* Effect.scope
  // What it holds of the console is given back when nobody answers, so that somebody can look who is there.
  const held = yield* Scope.make()
  yield* Effect.addFinalizer((exit) => Scope.close(held, exit))
  const agent = yield* Scope.provide(shell.agent, held)
  const failed = yield* Deferred.make<never, Failed>()
  let isOver = false

  const lose = (error?: Failed): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (isOver) return Effect.void
      isOver = true
      return Effect.gen(function* () {
        yield* Scope.close(held, Exit.void)
        const why = error === undefined ? yield* shell.lost("may-have-run") : afterwards(error)
        yield* Deferred.fail(failed, why)
      }).pipe(Effect.forkIn(scope), Effect.asVoid)
    })

  /** An effect on the agent: no answer ends the session. */
  const surely = <A>(effect: Effect.Effect<A, Failed | undefined>): Effect.Effect<A, Failed> =>
    Effect.suspend(() => (isOver ? Deferred.await(failed) : effect)).pipe(
      Effect.catchIf(Predicate.isUndefined, () => Effect.andThen(lose(), Deferred.await(failed))),
      Effect.catchIf(
        (error) => isOver || error.reason._tag === "PortClosed",
        (error) => Effect.andThen(lose(error), Deferred.await(failed))
      )
    )

  const processes = new Map<number, Ears>()
  const wake = yield* Queue.sliding<true>(1)
  const again = () => void Queue.offerUnsafe(wake, true)
  const pieces = new Output.PieceReader(
    (key) => / [oe]$/.test(key),
    (key, { chunks, offset }) => {
      const [sequence, stream] = key.split(" ")
      const ears = processes.get(Number(sequence))
      if (stream === "o" || stream === "e") ears?.piece(stream, offset / blockBytes, Buffer.concat(chunks))
    },
    () => again()
  )
  let heard = 0
  yield* Scope.provide(
    agent.hear({
      bytes: (data) => {
        heard += data.length
        pieces.bytes(data)
      },
      answer: (answer) => {
        heard += 1
        if (answer === undefined) return again()
        pieces.answer(answer.kind, answer.fields)
        if (answer.kind.length === 2 && answer.kind.startsWith("p")) {
          processes.get(Number(answer.fields[0]))?.said(answer.kind, answer.fields.slice(1))
        }
      }
    }),
    held
  )
  // Asked for while the bytes of a push are under way, nobody would hear it.
  const wire = yield* Semaphore.make(1)
  const onWire = Semaphore.withPermits(wire, 1)
  yield* teach(agent).pipe(
    Effect.catchIf(Predicate.isUndefined, () =>
      Scope.close(held, Exit.void).pipe(Effect.andThen(shell.lost("did-not-run")), Effect.flatMap(Effect.fail))
    )
  )
  const ask: Session["ask"] = (call, args, accept) => surely(onWire(agent.ask(call, args, accept)))

  const letters = yield* Queue.unbounded<readonly [string, ...ReadonlyArray<string | number>], Cause.Done>()
  const later: Session["later"] = (...letter) => void Queue.offerUnsafe(letters, letter)
  yield* Effect.forever(
    Effect.flatMap(Queue.take(letters), ([call, ...args]) => surely(onWire(agent.send(call, ...args))))
  ).pipe(Effect.ignore, Effect.forkIn(held))

  const work = yield* Queue.unbounded<Effect.Effect<void>, Cause.Done>()
  yield* Effect.forever(Effect.flatMap(Queue.take(work), (effect) => Effect.forkIn(effect, held))).pipe(
    Effect.ignore,
    Effect.forkIn(held)
  )

  yield* Effect.flatMap(agent.closed, lose).pipe(Effect.forkIn(scope))

  yield* Effect.gen(function* () {
    for (;;) {
      const before = heard
      const asked = yield* Effect.timeoutOption(Effect.andThen(Queue.take(wake), Effect.sleep(soon)), silence)
      if (processes.size === 0 || (asked._tag === "None" && heard !== before)) continue
      const id = agent.nextSequence()
      yield* ask("pH", [id, ...processes.keys()], ({ fields, kind }) => kind === "ph" && fields[0] === String(id))
    }
  }).pipe(Effect.ignore, Effect.forkIn(held))

  /** Pieces that are asked for are printed by whom prints the others. */
  const printing: Agent = {
    ...agent,
    write: (bytes) => onWire(agent.write(bytes)),
    send: (call, ...args) => onWire(agent.send("pE", call, ...args))
  }

  return {
    folder: agent.machine.folder,
    nextSequence: agent.nextSequence,
    add: (sequence, ears) => void processes.set(sequence, ears),
    forget: (sequence, isOver) => {
      processes.delete(sequence)
      later("pD", sequence, ...(isOver ? [] : [1]))
    },
    failed: Deferred.await(failed),
    isOver: () => isOver,
    ask,
    later,
    place: (sequence, bytes) => surely(onWire(Staging.stage(agent, sequence, bytes))),
    pull: (sequence, stream, index) =>
      surely(
        Effect.gen(function* () {
          const chunks: Array<Buffer> = []
          let at = 0
          let blocks = 32
          while (at < Script.pieceBytes) {
            const piece = yield* Output.read(printing, `${sequence}.${stream}`, index % 2, at, blocks)
            chunks.push(piece.data)
            at += piece.data.length
            if (piece.data.length < blocks * blockBytes) break
            blocks = piece.tries === 0 ? Math.min(128, blocks * 2) : Math.max(1, piece.blocks)
          }
          return Buffer.concat(chunks)
        })
      ),
    again,
    start: (effect) => void Queue.offerUnsafe(work, effect)
  }
})
