/** One process on the machine, with its streams apart. */
import { Clock, Deferred, Duration, Effect, type Scope, Semaphore } from "effect"
import { CommandLine } from "effect/process"
import * as ProcessScript from "@toehold/shell/ProcessScript"
import type { ExitStatus, KillOptions, SpawnedProcess, SpawnOptions } from "@toehold/shell/SpawnedProcess"
import * as SerialError from "../../SerialError.ts"
import { maxLine, percentBytes } from "../agentScript.ts"
import * as OutputStream from "./outputStream.ts"
import type { Session } from "./session.ts"
import { signalOf } from "./signal.ts"

type Failed = SerialError.SerialError

/** Longest text that goes in the line of a request. */
const maxText = maxLine - 300

/** Most bytes of input that are passed on at a time. */
const maxPiece = 65_536

/** What is left of a group when its leader has ended gets this long to end as well. */
const settleMs = 1000
/** What is left after SIGKILL is not waited for longer. */
const lastMs = 2000

const gently: KillOptions = { signal: "TERM" }

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

const display = ({ words }: ProcessScript.Command): string => CommandLine.display(words)

/** What came of the start, or how it went on from there. */
interface Ended {
  readonly status: ExitStatus
  /** Something of its group was there still. */
  readonly left: boolean
}

const notStarted = (command: ProcessScript.Command, verdict: string, folder: string): Failed => {
  const [what = "", code = ""] = verdict.split(" ")
  const path =
    what === "cwd"
      ? (command.cwd ?? "")
      : what === "program"
        ? command.kind === "shell"
          ? "/bin/sh"
          : ProcessScript.unwrap(command.words[0] ?? "")
        : folder
  if (code === "ENOENT") return SerialError.make(new SerialError.NotFound({ path }))
  if (code === "EACCES") return SerialError.make(new SerialError.PermissionDenied({ path, detail: code }))
  const detail =
    code === "ENOTDIR"
      ? "it is not a folder"
      : what === "fifo"
        ? "named pipes can't be made there"
        : "the machine's shell ended before the program began"
  return SerialError.make(new SerialError.FileFailed({ path, detail, outcome: "did-not-run" }))
}

export const spawn = Effect.fnUntraced(function* (
  session: Session,
  command: ProcessScript.Command,
  options: SpawnOptions,
  keep: (effect: Effect.Effect<unknown, Failed>) => Effect.Effect<void>
): Effect.fn.Return<SpawnedProcess<Failed>, Failed, Scope.Scope> {
  const name = display(command)
  const sequence = session.nextSequence()
  const files = quote(`${session.folder}/${sequence}.v.q`)
  const events = quote(`${session.folder}/ev`)
  const script = yield* Effect.fromResult(
    ProcessScript.make(command, {
      ...options,
      say: (word) => `echo "pv ${sequence} $$ ${word}" >${files}; echo "pv ${sequence} $$ ${word}" 1<>${events}`
    })
  ).pipe(Effect.mapError((invalid) => SerialError.make(new SerialError.InvalidArgument(invalid))))
  const alone = options.leader === true
  const how = options.kill ?? gently
  const wants = (stream: "stdin" | "stdout" | "stderr") => options[stream] !== "null"

  const begun = yield* Deferred.make<number, Failed>()
  const ended = yield* Deferred.make<Ended, Failed>()
  const outputs = {
    o: yield* OutputStream.make(session, sequence, "o", wants("stdout")),
    e: yield* OutputStream.make(session, sequence, "e", wants("stderr"))
  }
  const endOutputs = (): void => {
    for (const output of [outputs.o, outputs.e]) output.ends(0, undefined)
  }
  let pid = 0
  let isInputClosed = !wants("stdin")
  let consumed = -1
  /** Pieces that are not read yet, and where they are. */
  const placed = new Map<number, number | undefined>()
  let waiter = Deferred.makeUnsafe<void>()
  const stir = (): void => {
    const before = waiter
    waiter = Deferred.makeUnsafe()
    Deferred.doneUnsafe(before, Effect.void)
  }
  const refuse = (verdict: string): void => {
    endOutputs()
    Deferred.doneUnsafe(begun, Effect.fail(notStarted(command, verdict, session.folder)))
  }

  const said = (kind: string, fields: ReadonlyArray<string>): void => {
    const [first = "", second = "", third = ""] = fields
    switch (kind) {
      case "pv": {
        const verdict = fields.slice(1).join(" ")
        pid = Number(first)
        if (verdict === "ok") Deferred.doneUnsafe(begun, Effect.succeed(pid))
        else refuse(verdict)
        break
      }
      case "px":
        if (/^\d/.test(first)) {
          const code = Number(first)
          const signal = signalOf(code, second === "1")
          const status = { exitCode: signal === undefined ? code : null, signal: signal ?? null }
          Deferred.doneUnsafe(ended, Effect.succeed({ status, left: third === "1" }))
        } else endOutputs()
        // The word about the start comes first, unless it was lost.
        if (pid === 0) {
          if (/^\d/.test(first)) session.again()
          else refuse(first)
        }
        isInputClosed = true
        stir()
        break
      case "pi":
        if (first === "closed") isInputClosed = true
        else {
          consumed = Math.max(consumed, Number(first))
          for (const [index, place] of placed) {
            if (index > consumed) break
            placed.delete(index)
            if (place !== undefined) session.later("F", place)
          }
        }
        stir()
        break
      case "pq":
        if (first === "o" || first === "e") outputs[first].isThere(Number(second))
        break
      case "pz":
        if (first === "o" || first === "e") {
          outputs[first].ends(Number(second), third === "" ? undefined : noSpace(session.folder))
        }
        break
    }
  }

  let wasSent = false
  let isReferenced = true

  const started = <A>(effect: Effect.Effect<A, Failed>) => Effect.raceFirst(effect, session.failed)
  const exited = started(Deferred.await(ended))

  const signal = Effect.fnUntraced(function* (signal: string) {
    if (!/^[A-Z0-9+-]+$/.test(signal)) return false
    const id = session.nextSequence()
    const answer = yield* session.ask(
      "pK",
      [sequence, id, signal, alone ? "" : "-"],
      ({ fields, kind }) => kind === "pk" && fields[0] === String(sequence) && fields[1] === String(id)
    )
    return answer.fields[2] === "1"
  })

  const isGroupThere = Effect.gen(function* () {
    if (alone) return !Deferred.isDoneUnsafe(ended)
    const id = session.nextSequence()
    const answer = yield* session.ask(
      "pL",
      [sequence, id],
      ({ fields, kind }) => kind === "pl" && fields[0] === String(sequence) && fields[1] === String(id)
    )
    return answer.fields[2] === "1"
  })

  /** `true` when nothing of the group is left, after at most so long. */
  const gone = Effect.fnUntraced(function* (ms: number) {
    const begin = yield* Clock.monotonicTimeNanos
    for (let pause = 10; ; pause = Math.min(200, pause * 2)) {
      if (Deferred.isDoneUnsafe(ended) && !(yield* isGroupThere)) return true
      const left = ms - Number((yield* Clock.monotonicTimeNanos) - begin) / 1e6
      if (left <= 0) return false
      const rest = Deferred.isDoneUnsafe(ended) ? Effect.never : Effect.ignore(exited)
      yield* Effect.timeoutOption(rest, Math.min(pause, left))
    }
  })

  const failedSignal = (signal: string, detail: string) =>
    Effect.fail(SerialError.make(new SerialError.SignalFailed({ command: name, signal, detail })))

  const kill = Effect.fnUntraced(function* ({ forceAfter, signal: asked }: KillOptions) {
    if (!/^[A-Z0-9+-]+$/.test(asked)) return yield* failedSignal(asked, "no signal has that name")
    if (Deferred.isDoneUnsafe(ended) && !(yield* isGroupThere)) {
      return yield* failedSignal(asked, "there is no such process any more")
    }
    if (!(yield* signal(asked))) {
      return yield* failedSignal(asked, "there is no such process any more, or no such signal there")
    }
    if (forceAfter === undefined) {
      yield* exited
      yield* gone(settleMs)
      return
    }
    if (yield* gone(Duration.toMillis(Duration.fromInputUnsafe(forceAfter)))) return
    yield* signal("KILL")
    yield* gone(lastMs)
    yield* exited
  })

  const forget = Effect.sync(() =>
    session.forget(sequence, outputs.o.isDone() && outputs.e.isDone() && Deferred.isDoneUnsafe(ended))
  )

  const close: Effect.Effect<void> = Effect.gen(function* () {
    if (!wasSent || session.isOver()) return yield* forget
    outputs.o.drain()
    outputs.e.drain()
    // Who is interrupted while it starts still knows what was started.
    const isBegun = yield* Effect.timeoutOption(Effect.result(started(Deferred.await(begun))), "10 seconds")
    const hasBegun = isBegun._tag === "Some" && isBegun.value._tag === "Success"
    if (!isReferenced && !Deferred.isDoneUnsafe(ended)) {
      yield* session.ask("pY", [sequence], ({ fields, kind }) => kind === "py" && fields[0] === String(sequence))
      return yield* keep(Effect.andThen(exited, forget))
    }
    if (hasBegun) {
      const isLeft = Deferred.isDoneUnsafe(ended) ? !alone && (yield* Deferred.await(ended)).left : true
      if (isLeft) yield* Effect.ignore(kill(how))
    }
    yield* forget
  }).pipe(Effect.ignore)

  session.add(sequence, { said, piece: (stream, index, data) => outputs[stream].arrive(index, data) })
  yield* Effect.addFinalizer(() => close)
  yield* session.failed.pipe(
    Effect.catch((error) =>
      Effect.sync(() => {
        outputs.o.fail(error)
        outputs.e.fail(error)
      })
    ),
    Effect.forkScoped
  )

  const flags = `${wants("stdin") ? "i" : ""}${wants("stdout") ? "o" : ""}${wants("stderr") ? "e" : ""}${alone ? "" : "g"}-`
  const pipe = (letter: string) => quote(`${session.folder}/${sequence}.${letter}`)
  const redirections = [
    wants("stdin") ? `<${pipe("i")}` : "</dev/null",
    wants("stdout") ? `>${pipe("o")}` : ">/dev/null",
    wants("stderr") ? `2>${pipe("e")}` : "2>/dev/null"
  ]
  const bytes = new TextEncoder().encode(`exec ${redirections.join(" ")}; ${script}`)
  const text = percentBytes(bytes)
  const isShort = text.length <= maxText
  if (!isShort) yield* session.place(sequence, bytes)
  wasSent = true
  yield* session.ask(
    "pX",
    [sequence, flags, how.signal, isShort ? text : ""],
    ({ fields, kind }) => (kind === "pb" || kind === "pv" || kind === "px") && fields[0] === String(sequence)
  )
  yield* started(Deferred.await(begun))

  const writing = yield* Semaphore.make(1)
  let nextPiece = 0
  const closedInput = Effect.fail(SerialError.make(new SerialError.InputClosed({ command: name })))
  /** Two slots: the one before the last must have been read. */
  const isFull = () => !isInputClosed && consumed < nextPiece - 2
  const writePiece = Effect.fnUntraced(function* (piece: Uint8Array) {
    while (isFull()) yield* started(Deferred.await(waiter))
    if (isInputClosed) return yield* closedInput
    const index = nextPiece
    nextPiece += 1
    const text = percentBytes(piece)
    const isShort = text.length <= maxText
    const place = isShort ? undefined : session.nextSequence()
    if (place !== undefined) yield* session.place(place, piece)
    placed.set(index, place)
    yield* session.ask(
      "pI",
      [sequence, index, place === undefined ? `${sequence}.i.${index % 2}` : `${place}.s`, isShort ? text : ""],
      ({ fields, kind }) => kind === "pj" && fields[0] === String(sequence) && fields[1] === String(index)
    )
  })

  const process: SpawnedProcess<Failed> = {
    pid,
    stdout: outputs.o.stream,
    stderr: outputs.e.stream,
    write: (chunk) =>
      Semaphore.withPermits(
        writing,
        1
      )(
        Effect.gen(function* () {
          for (let at = 0; at < chunk.length; at += maxPiece) yield* writePiece(chunk.subarray(at, at + maxPiece))
        })
      ),
    endInput: Semaphore.withPermits(
      writing,
      1
    )(
      Effect.suspend(() =>
        isInputClosed
          ? Effect.void
          : Effect.ignore(
              session.ask("pZ", [sequence], ({ fields, kind }) => kind === "pe" && fields[0] === String(sequence))
            )
      )
    ),
    status: Effect.map(exited, ({ status }) => status),
    isRunning: Effect.sync(() => !Deferred.isDoneUnsafe(ended) && !session.isOver()),
    kill,
    unref: Effect.sync(() => {
      isReferenced = false
      return Effect.sync(() => {
        isReferenced = true
      })
    })
  }
  return process
})

const noSpace = (folder: string): Failed =>
  SerialError.make(
    new SerialError.FileFailed({ path: folder, detail: "the output could not be kept there", outcome: "may-have-run" })
  )
