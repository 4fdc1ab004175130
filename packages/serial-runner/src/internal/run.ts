/** Running one command on the machine's side, to its end. */
import { Clock, Effect } from "effect"
import * as CapturedOutput from "@toehold/shell/CapturedOutput"
import { OutputCapture } from "@toehold/shell/OutputCapture"
import * as SerialError from "../SerialError.ts"
import type { Agent } from "./agent.ts"
import * as AgentScript from "./agentScript.ts"
import type { Answer } from "./answers.ts"
import { FirstPieces, gather } from "./collect.ts"
import * as CommandEnd from "./commandEnd.ts"
import { isPlain } from "./plainScript.ts"
import { countMessages } from "./printk.ts"
import * as Staging from "./staging.ts"

export interface Request {
  readonly script: string
  readonly cwd: string
  readonly mode: "checked" | "text"
  readonly limits: CommandEnd.Limits
  readonly maxOutput: number
}

export interface Result {
  readonly exitCode: number
  readonly stdout: CapturedOutput.CapturedOutput
  readonly stderr: CapturedOutput.CapturedOutput
  readonly verified: boolean
  readonly disturbances: number
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

export const display = (script: string): string => (script.length <= 200 ? script : `${script.slice(0, 200)}…`)

/** A line takes the rest of the request as well. */
const longestArgument = AgentScript.maxLine - 600

const utf8 = (words: ReadonlyArray<string>): string => Buffer.from(words.join(" "), "latin1").toString("utf8")

/** What the text's bytes go to while a command runs in text mode: everything but pieces of other commands. */
class TextCapture {
  #capture: OutputCapture
  #isInPiece = false
  #isOver = false
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
    this.#capture = new OutputCapture(limit)
  }

  bytes(data: Uint8Array): void {
    if (this.#isInPiece || this.#isOver) return
    this.#capture.push(Buffer.from(data.buffer, data.byteOffset, data.length), true)
  }

  answer({ fields, kind }: Answer, sequence: string): void {
    if (kind === "d" || kind === "t") this.#isInPiece = true
    if (kind === ".") this.#isInPiece = false
    if (fields[0] !== sequence) return
    // What came before it is not the command's.
    if (kind === "b") this.#capture = new OutputCapture(this.#limit)
    if (kind === "e") this.#isOver = true
  }

  result(): CapturedOutput.CapturedOutput {
    return this.#capture.result()
  }
}

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
      const { limits, maxOutput, script } = request
      const capture = new TextCapture(maxOutput)
      const pieces = new FirstPieces(sequence)
      const state = yield* CommandEnd.watch(agent, sequence, {
        bytes: (data) => (isText ? capture.bytes(data) : pieces.reader.bytes(data)),
        other: (answer) =>
          isText ? capture.answer(answer, String(sequence)) : pieces.reader.answer(answer.kind, answer.fields)
      })
      let phase: Lost["outcome"] = "did-not-run"
      const orLost = <A>(effect: Effect.Effect<A, SerialError.SerialError | undefined>) =>
        Effect.mapError(effect, () => new Lost(phase, isText ? capture.result() : CapturedOutput.empty))

      const start = Effect.gen(function* () {
        const isShort = AgentScript.quoted(script).length <= longestArgument
        if (!isShort) yield* Staging.stage(agent, sequence, new TextEncoder().encode(script))
        const kind = isShort ? (isPlain(script) ? "p" : "n") : "s"
        if (yield* agent.isClosed) return yield* Effect.fail(undefined)
        phase = "may-have-run"
        return yield* agent.ask(
          isText ? "T" : "C",
          [sequence, request.cwd, "/dev/null", isShort ? script : "", kind],
          ({ fields, kind }) => fields[0] === String(sequence) && "bcery".includes(kind)
        )
      })
      const timedOut = Effect.gen(function* () {
        if (limits.timeoutMs === undefined) return yield* Effect.never
        const spent = Number((yield* Clock.monotonicTimeNanos) - begunAt) / 1e6
        yield* Effect.sleep(Math.max(0, limits.timeoutMs - spent))
        return "CommandTimeout" as const
      })
      const idle = Effect.gen(function* () {
        if (limits.idleTimeoutMs === undefined) return yield* Effect.never
        yield* CommandEnd.silence(agent, sequence, state, { limitMs: limits.idleTimeoutMs, isText })
        return "IdleTimeout" as const
      })
      const running = Effect.gen(function* () {
        yield* start
        return yield* Effect.raceFirst(CommandEnd.theEnd(agent, sequence, state), idle)
      }).pipe(
        Effect.raceFirst(timedOut),
        Effect.onInterrupt(() => Effect.ignore(CommandEnd.kill(agent, sequence, state, limits.killGraceMs))),
        Effect.raceFirst(Effect.flatMap(agent.closed, (error) => Effect.fail(error)))
      )
      const verdict = yield* orLost(running)

      if (typeof verdict !== "string" && "kind" in verdict) return yield* refused(verdict)
      const gathered = (end: CommandEnd.End | undefined) =>
        isText
          ? Effect.sync(() => ({ stdout: capture.result(), stderr: CapturedOutput.empty }))
          : gather(agent, sequence, maxOutput, { pieces, state, end })
      if (typeof verdict !== "string") {
        const output = yield* Effect.mapError(gathered(verdict), (error) => error ?? damaged(request))
        yield* agent.send("F", sequence)
        const disturbances = isText ? state.damages + countMessages(output.stdout) : 0
        return { exitCode: verdict.code, ...output, verified: !isText, disturbances }
      }
      if (phase === "did-not-run") return yield* SerialError.make(notInTime(request))
      const killed = yield* CommandEnd.kill(agent, sequence, state, limits.killGraceMs)
      const output = yield* Effect.orElseSucceed(gathered(undefined), () => ({
        stdout: capture.result(),
        stderr: CapturedOutput.empty
      }))
      const details = { command: display(script), ...output, killed, consoleState: "shell" }
      return yield* SerialError.make(
        verdict === "CommandTimeout"
          ? new SerialError.CommandTimeout({ ...details, timeoutMs: limits.timeoutMs ?? 0, outcome: "may-have-run" })
          : new SerialError.IdleTimeout({ ...details, timeoutMs: limits.idleTimeoutMs ?? 0 })
      )
    })
  )

/** The time was over before the command could begin. */
export const notInTime = ({ limits, script }: Pick<Request, "limits" | "script">): SerialError.CommandTimeout =>
  new SerialError.CommandTimeout({
    command: display(script),
    stdout: CapturedOutput.empty,
    stderr: CapturedOutput.empty,
    killed: false,
    consoleState: "busy",
    timeoutMs: limits.timeoutMs ?? 0,
    outcome: "did-not-run"
  })

/** The command did not run: its folder, or its text, is none. */
const refused = ({ fields, kind }: Answer): SerialError.SerialError => {
  const detail = utf8(fields.slice(1)).replace(/^(?:[^ :]*sh: )?(?:(?:line )?\d+: )?eval: /, "")
  return SerialError.make(
    kind === "c"
      ? new SerialError.InvalidArgument({ argument: "The folder", detail })
      : new SerialError.SyntaxError({ detail })
  )
}

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
