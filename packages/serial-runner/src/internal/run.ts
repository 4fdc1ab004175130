/** Running one command on the machine's side, to its end. */
import { Clock, Deferred, Effect, type Scope } from "effect"
import * as CapturedOutput from "@toehold/shell/CapturedOutput"
import { OutputCapture } from "@toehold/shell/OutputCapture"
import * as SerialError from "../SerialError.ts"
import type { Agent } from "./agent.ts"
import * as AgentScript from "./agentScript.ts"
import type { Answer } from "./answers.ts"
import { isSumOf } from "./cksum.ts"
import * as Output from "./output.ts"

export interface Limits {
  readonly timeoutMs: number | undefined
  readonly idleTimeoutMs: number | undefined
  readonly killGraceMs: number
}

export interface Request {
  readonly script: string
  readonly cwd: string
  readonly mode: "checked" | "text"
  readonly limits: Limits
  readonly maxOutput: number
}

export interface Result {
  readonly exitCode: number
  readonly stdout: CapturedOutput.CapturedOutput
  readonly stderr: CapturedOutput.CapturedOutput
  readonly verified: boolean
}

/** Nobody answers any more; what the command did until then is not known. */
export class Lost {
  readonly _tag = "Lost"
  readonly outcome: "did-not-run" | "may-have-run"
  readonly stdout: CapturedOutput.CapturedOutput
  constructor(outcome: "did-not-run" | "may-have-run", stdout = CapturedOutput.empty) {
    this.outcome = outcome
    this.stdout = stdout
  }
}

const display = (script: string): string => (script.length <= 200 ? script : `${script.slice(0, 200)}…`)

/** Simple enough to be parsed by anybody: the shell need not be asked. */
const isPlain = (script: string): boolean =>
  script === "" ||
  (/^[A-Za-z0-9_./][A-Za-z0-9_./=:,@%+ -]*(?:(?:; | && | \|\| | \| )[A-Za-z0-9_./][A-Za-z0-9_./=:,@%+ -]*)*$/.test(
    script
  ) &&
    !/(?:^|[;&|] ?)(?:if|then|else|elif|fi|for|while|until|do|done|case|esac|in|function|select)\b/.test(script))

const orLost = <A>(
  effect: Effect.Effect<A, SerialError.SerialError | undefined>,
  outcome: Lost["outcome"]
): Effect.Effect<A, SerialError.SerialError | Lost> => Effect.mapError(effect, (error) => error ?? new Lost(outcome))

/** The script as an argument of a call; a long one is brought over in parts first. */
const staged = Effect.fnUntraced(function* (agent: Agent, sequence: number, script: string) {
  if (AgentScript.quoted(script).length <= AgentScript.maxLine - 600) return { argument: script, isStaged: false }
  const encoded = AgentScript.percentB(script)
  const parts: Array<string> = []
  for (let at = 0; at < encoded.length;) {
    let end = Math.min(encoded.length, at + 3000)
    // Never through the middle of an escape.
    const escape = encoded.lastIndexOf("\\", end - 1)
    if (end < encoded.length && escape >= at && end - escape < 5) end = escape
    parts.push(encoded.slice(at, end))
    at = end
  }
  const bytes = [new TextEncoder().encode(script)]
  for (let tries = 0; tries < 5; tries++) {
    for (const [index, part] of parts.entries()) {
      yield* agent.ask(
        "S",
        [sequence, index, part],
        ({ fields, kind }) => kind === "s" && fields[0] === String(sequence) && fields[1] === String(index)
      )
    }
    const joined = yield* agent.ask(
      "J",
      [sequence, parts.length],
      ({ fields, kind }) => kind === "j" && fields[0] === String(sequence)
    )
    if (isSumOf(joined.fields[1] ?? "", bytes)) {
      return { argument: `. '${agent.machine.folder.replaceAll("'", `'\\''`)}/${sequence}.s'`, isStaged: true }
    }
  }
  return yield* Effect.fail(undefined)
})

const checkSyntax = Effect.fnUntraced(function* (agent: Agent, sequence: number, request: Request, isStaged: boolean) {
  if (isPlain(request.script)) return
  const answer = yield* agent.ask(
    "Y",
    [sequence, isStaged ? "" : request.script],
    ({ fields, kind }) => kind === "y" && fields[0] === String(sequence)
  )
  if (answer.fields[1] === "0") return
  const detail = answer.fields.slice(2).join(" ")
  return yield* SerialError.make(
    new SerialError.SyntaxError({ detail: Buffer.from(detail, "latin1").toString("utf8") })
  )
})

/** What is known of a command that runs. */
interface Watch {
  readonly ended: Deferred.Deferred<number>
  readonly begun: Deferred.Deferred<Answer>
  /** Something was heard since the last look. */
  activity: number
}

/** Hears what concerns one command. */
const watch = Effect.fnUntraced(function* (
  agent: Agent,
  sequence: number,
  ear: { readonly bytes: (data: Uint8Array) => void; readonly other: (answer: Answer) => void }
): Effect.fn.Return<Watch, never, Scope.Scope> {
  const state: Watch = { ended: Deferred.makeUnsafe(), begun: Deferred.makeUnsafe(), activity: 0 }
  const own = String(sequence)
  yield* agent.hear({
    bytes: (data) => {
      state.activity += data.length
      ear.bytes(data)
    },
    answer: (answer) => {
      state.activity += 1
      if (answer === undefined) return
      if (answer.fields[0] === own) {
        if (answer.kind === "b" || answer.kind === "r" || answer.kind === "c") {
          Deferred.doneUnsafe(state.begun, Effect.succeed(answer))
        }
        if (answer.kind === "e") {
          Deferred.doneUnsafe(state.begun, Effect.succeed(answer))
          Deferred.doneUnsafe(state.ended, Effect.succeed(Number(answer.fields[1])))
        }
      }
      ear.other(answer)
    }
  })
  return state
})

const checkEvery = 2000

/** The end of the command; asks for it where nothing is heard, as its word may have been damaged. */
const theEnd = Effect.fnUntraced(function* (agent: Agent, sequence: number, state: Watch) {
  const asking = Effect.gen(function* () {
    for (;;) {
      const before = state.activity
      yield* Effect.sleep(checkEvery)
      if (state.activity !== before) continue
      const answer = yield* agent.ask(
        "Q",
        [sequence],
        ({ fields, kind }) => fields[0] === String(sequence) && /^[eru]$/.test(kind)
      )
      if (answer.kind === "u") return yield* Effect.fail(undefined)
    }
  })
  return yield* Effect.raceFirst(Deferred.await(state.ended), asking)
})

const outOfPatience = Effect.fnUntraced(function* (agent: Agent, sequence: number, request: Request, state: Watch) {
  const limit = request.limits.idleTimeoutMs
  if (limit === undefined) return yield* Effect.never
  let grown = ""
  const sizes = Effect.gen(function* () {
    const found: Array<string> = []
    for (const stream of ["o", "e"]) {
      const answer = yield* agent.ask(
        "Z",
        [sequence, stream],
        ({ fields, kind }) => kind === "z" && fields[0] === String(sequence) && fields[1] === stream
      )
      found.push(answer.fields[2] ?? "")
    }
    return found.join(" ")
  })
  let since = yield* Clock.monotonicTimeNanos
  for (;;) {
    yield* Effect.sleep(Math.max(20, Math.min(limit / 4, 2000)))
    const now = request.mode === "text" ? String(state.activity) : yield* sizes
    const at = yield* Clock.monotonicTimeNanos
    if (now !== grown) {
      grown = now
      since = at
    } else if (Number(at - since) / 1e6 >= limit) return "IdleTimeout" as const
  }
})

/** Ends the command's process group; `true` when the command is known to have ended. */
const kill = Effect.fnUntraced(function* (agent: Agent, sequence: number, state: Watch, graceMs: number) {
  for (const [signal, ms] of [
    ["TERM", graceMs],
    ["KILL", 3000]
  ] as const) {
    yield* Effect.ignore(
      agent.ask("K", [sequence, signal], ({ fields, kind }) => kind === "k" && fields[0] === String(sequence))
    )
    const ended = yield* Effect.timeoutOption(theEnd(agent, sequence, state), ms).pipe(
      Effect.orElseSucceed(() => undefined)
    )
    if (ended?._tag === "Some") return true
  }
  return Deferred.isDoneUnsafe(state.ended)
})

/** Blocks of each stream that are sent by themselves at the command's end. */
const firstBlocks = 16

/** A stream that is read whole, or its beginning and its end when it is longer than the limit. */
const collect = Effect.fnUntraced(function* (
  agent: Agent,
  sequence: number,
  stream: Output.StreamName,
  first: Buffer | undefined,
  limit: number
) {
  let blocks = firstBlocks
  const readFrom = Effect.fnUntraced(function* (offset: number) {
    const piece = yield* Output.read(agent, sequence, stream, offset, blocks)
    // A line without damage takes larger pieces at a time.
    blocks = piece.tries === 0 ? Math.min(256, piece.blocks * 2) : piece.blocks
    return {
      data: piece.data,
      isLast: (offset % AgentScript.blockBytes) + piece.data.length < piece.blocks * AgentScript.blockBytes
    }
  })
  const { data: begin, isLast } =
    first === undefined
      ? yield* readFrom(0)
      : { data: first, isLast: first.length < firstBlocks * AgentScript.blockBytes }
  if (isLast && begin.length <= limit) return whole(begin)
  const answer = yield* agent.ask(
    "Z",
    [sequence, stream],
    ({ fields, kind }) => kind === "z" && fields[0] === String(sequence) && fields[1] === stream
  )
  const size = Number(answer.fields[2])
  const headLimit = size <= limit ? size : Math.ceil(limit / 2)
  const readRange = Effect.fnUntraced(function* (from: number, to: number, have: Buffer) {
    const chunks = [have.subarray(0, to - from)]
    let at = from + (chunks[0]?.length ?? 0)
    while (at < to) {
      const data = (yield* readFrom(at)).data.subarray(0, to - at)
      if (data.length === 0) break
      chunks.push(data)
      at += data.length
    }
    return Buffer.concat(chunks)
  })
  const head = yield* readRange(0, headLimit, begin)
  if (size <= limit) return whole(head)
  const tail = yield* readRange(size - Math.floor(limit / 2), size, Buffer.alloc(0))
  return new CapturedOutput.CapturedOutput({
    head: new Uint8Array(head),
    tail: new Uint8Array(tail),
    totalBytes: size,
    omittedBytes: size - head.length - tail.length
  })
})

const whole = (data: Buffer): CapturedOutput.CapturedOutput =>
  new CapturedOutput.CapturedOutput({
    head: new Uint8Array(data),
    tail: new Uint8Array(0),
    totalBytes: data.length,
    omittedBytes: 0
  })

/** Runs a command. What was asked for is ended where the caller is interrupted. */
export const run = (
  agent: Agent,
  request: Request,
  begunAt: bigint
): Effect.Effect<Result, SerialError.SerialError | Lost> =>
  Effect.scoped(
    Effect.gen(function* () {
      const sequence = agent.nextSequence()
      const isText = request.mode === "text"
      const capture = new OutputCapture(request.maxOutput)
      const pieces = new Map<string, Buffer>()
      const reader = new Output.PieceReader(
        (key, piece) => void pieces.set(key, piece.data),
        () => undefined
      )
      let isRunning = false
      const state = yield* watch(agent, sequence, {
        bytes: (data) => {
          if (!isText) reader.bytes(data)
          else if (isRunning) capture.push(Buffer.from(data))
        },
        other: ({ fields, kind }) => {
          if (!isText) return reader.answer(kind, fields)
          if (fields[0] === String(sequence)) isRunning = kind === "b" || kind === "r" || (isRunning && kind !== "e")
        }
      })
      const { argument, isStaged } = yield* orLost(staged(agent, sequence, request.script), "did-not-run")
      yield* orLost(checkSyntax(agent, sequence, request, isStaged), "did-not-run")
      const args = isText ? [sequence, request.cwd, argument] : [sequence, request.cwd, "/dev/null", argument]
      const starting = agent.ask(
        isText ? "T" : "C",
        args,
        ({ fields, kind }) => fields[0] === String(sequence) && /^[bcer]$/.test(kind)
      )
      const running = Effect.gen(function* () {
        const answer = yield* orLost(starting, "may-have-run")
        if (answer.kind === "c") {
          const detail = Buffer.from(answer.fields.slice(1).join(" "), "latin1").toString("utf8")
          return yield* SerialError.make(new SerialError.InvalidArgument({ argument: "The folder", detail }))
        }
        const { timeoutMs } = request.limits
        const outOfTime =
          timeoutMs === undefined
            ? Effect.never
            : Effect.gen(function* () {
                const spent = Number((yield* Clock.monotonicTimeNanos) - begunAt) / 1e6
                yield* Effect.sleep(Math.max(0, timeoutMs - spent))
                return "CommandTimeout" as const
              })
        const verdict = yield* orLost(theEnd(agent, sequence, state), "may-have-run").pipe(
          Effect.raceFirst(outOfTime),
          Effect.raceFirst(orLost(outOfPatience(agent, sequence, request, state), "may-have-run")),
          Effect.mapError((error) => (error instanceof Lost ? new Lost("may-have-run", capture.result()) : error))
        )
        return verdict
      }).pipe(Effect.onInterrupt(() => Effect.ignore(kill(agent, sequence, state, request.limits.killGraceMs))))
      const verdict = yield* running
      const gathered = isText
        ? Effect.sync(() => ({ stdout: capture.result(), stderr: CapturedOutput.empty }))
        : Effect.gen(function* () {
            yield* firstPieces(pieces, sequence, state)
            const stdout = yield* collect(agent, sequence, "o", pieces.get(`${sequence} o`), request.maxOutput)
            const stderr = yield* collect(agent, sequence, "e", pieces.get(`${sequence} e`), request.maxOutput)
            return { stdout, stderr }
          })
      if (typeof verdict === "number") {
        const output = yield* Effect.mapError(gathered, (error) => error ?? damaged(request))
        if (!isText) yield* agent.send("F", sequence)
        return { exitCode: verdict, ...output, verified: !isText }
      }
      const killed = yield* kill(agent, sequence, state, request.limits.killGraceMs)
      const output = yield* Effect.orElseSucceed(gathered, () => ({
        stdout: capture.result(),
        stderr: CapturedOutput.empty
      }))
      const details = { command: display(request.script), ...output, killed, consoleState: "shell" }
      return yield* SerialError.make(
        verdict === "CommandTimeout"
          ? new SerialError.CommandTimeout({
              ...details,
              timeoutMs: request.limits.timeoutMs ?? 0,
              outcome: "may-have-run"
            })
          : new SerialError.IdleTimeout({ ...details, timeoutMs: request.limits.idleTimeoutMs ?? 0 })
      )
    })
  )

/** The beginnings of both streams come by themselves, as long as nothing happens to them. */
const firstPieces = Effect.fnUntraced(function* (pieces: ReadonlyMap<string, Buffer>, sequence: number, state: Watch) {
  const isThere = () => pieces.has(`${sequence} o`) && pieces.has(`${sequence} e`)
  for (;;) {
    if (isThere()) return
    const before = state.activity
    for (let waited = 0; waited < 40; waited++) {
      yield* waited < 10 ? Effect.yieldNow : Effect.sleep("5 millis")
      if (isThere()) return
    }
    if (state.activity === before) return
  }
})

const damaged = (request: Request): SerialError.SerialError =>
  SerialError.make(
    new SerialError.OutputDamaged({
      command: display(request.script),
      stdout: CapturedOutput.empty,
      stderr: CapturedOutput.empty,
      detail: "it could not be read again",
      outcome: "finished"
    })
  )
