/** Notices that a command has a question that nobody answers. */
import { Deferred, Duration, Effect } from "effect"
import * as InputWait from "@toehold/shell/InputWait"
import * as Prompt from "@toehold/shell/Prompt"
import type { StartOptions } from "../SshExec.ts"
import { runForOutput } from "./ownScript.ts"
import type { OutputSink, RemoteProcess } from "./remoteProcess.ts"
import type { Sessions } from "./sessions.ts"

/** How much of the end of a stream is kept. */
const kept = 1024

/** The least silence after which a question counts as unanswered where the machine can't tell. */
const unprovenAfter = Duration.seconds(15)

const longestPause = Duration.seconds(30)

const newline = 10

export interface Options {
  /** Silence after which the machine is asked. */
  readonly after: Duration.Duration
  /** Asks the machine whether the command waits for input. */
  readonly probe: Effect.Effect<InputWait.Verdict>
  /** A command in a terminal may wait for more than it was given; without one only what was never given anything does. */
  readonly isTerminal: boolean
}

/**
 * Follows output at the cost of a copy of its last bytes. It begins to look only when output ends without a newline,
 * and asks the machine only when that is a prompt and nothing has followed it for a while.
 */
export class PromptWatch {
  readonly #tail = Buffer.alloc(kept)
  #length = 0
  /** Counts what came and what was given. */
  #events = 0
  #wasGiven = false
  #isOver = false
  #armed = false
  #woken: Deferred.Deferred<void> = Deferred.makeUnsafe()

  /** Output, in the order of arrival; the two streams of a command end up on one terminal. */
  push(chunk: Buffer): void {
    if (this.#isOver) return
    this.#events++
    if (chunk.length >= kept) {
      chunk.copy(this.#tail, 0, chunk.length - kept)
      this.#length = kept
    } else {
      const before = Math.min(this.#length, kept - chunk.length)
      this.#tail.copyWithin(0, this.#length - before, this.#length)
      chunk.copy(this.#tail, before)
      this.#length = before + chunk.length
    }
    if (!this.#armed && chunk[chunk.length - 1] !== newline) {
      this.#armed = true
      Deferred.doneUnsafe(this.#woken, Effect.void)
    }
  }

  /** The command was given input: what it had asked before is answered. */
  given(): void {
    this.#events++
    this.#length = 0
    this.#wasGiven = true
  }

  /** The command's input has ended: a question ends by that. */
  over(): void {
    this.#isOver = true
    this.#events++
    this.#length = 0
  }

  /** Ends with the question, when there is one that nobody answers. */
  readonly question = (options: Options): Effect.Effect<Prompt.Prompt> => {
    const look = (): Prompt.Prompt | undefined => Prompt.atEnd(this.#tail.toString("utf8", 0, this.#length))
    /** The question at the end of the output, as soon as it is certain to wait for an answer, before anything else comes. */
    const unanswered = Effect.fnUntraced({ self: this }, function* (prompt: Prompt.Prompt) {
      const before = this.#events
      let silence = options.after
      for (;;) {
        const verdict = yield* options.probe
        if (this.#events !== before) return undefined
        if (verdict === "waiting") return prompt
        const mayGuess = prompt.kind !== "input" && (options.isTerminal || !this.#wasGiven)
        if (verdict === "unknown" && mayGuess && Duration.isGreaterThanOrEqualTo(silence, unprovenAfter)) return prompt
        const pause = Duration.min(silence, longestPause)
        yield* Effect.sleep(pause)
        if (this.#events !== before) return undefined
        silence = Duration.sum(silence, pause)
      }
    })
    return Effect.gen({ self: this }, function* () {
      for (;;) {
        yield* Deferred.await(this.#woken)
        let before: number
        do {
          before = this.#events
          yield* Effect.sleep(options.after)
        } while (before !== this.#events)
        // From here on new output wakes it again.
        this.#woken = Deferred.makeUnsafe()
        this.#armed = false
        const prompt = look()
        const question = prompt === undefined ? undefined : yield* unanswered(prompt)
        if (question !== undefined) return question
      }
    })
  }
}

const defaultAfter = Duration.seconds(2)

/**
 * Silence after which a question counts as unanswered; `undefined` for never. Without a terminal and with an input that
 * has ended, every question is answered by the end of the input.
 */
export const questionAfter = (
  option: StartOptions["promptTimeout"],
  command: { readonly hasTerminal: boolean; readonly isOpen: boolean }
): Duration.Duration | undefined => {
  if (option === undefined) return command.hasTerminal && !command.isOpen ? defaultAfter : undefined
  return option !== false && (command.hasTerminal || command.isOpen) ? Duration.fromInputUnsafe(option) : undefined
}

/** The sink with everything that goes to it shown to the watch first. */
export const watched = (sink: OutputSink, watch: PromptWatch | undefined): OutputSink => {
  if (watch === undefined) return sink
  const noting = (forward: (chunk: Buffer) => void) => (chunk: Buffer) => {
    watch.push(chunk)
    forward(chunk)
  }
  return { ...sink, stdout: noting(sink.stdout), stderr: noting(sink.stderr) }
}

const probeWithin = Duration.seconds(5)

/** Some 2000 processes at 100 bytes each. */
const probeBytes = 256 * 1024

/** Asks the machine whether a command waits for input. What can't be found out is `unknown`. */
export const inputWait = (
  sessions: Sessions,
  process: RemoteProcess,
  startedSilent: boolean
): Effect.Effect<InputWait.Verdict> =>
  Effect.gen(function* () {
    const { pid, tty } = yield* Deferred.await(process.greeted)
    const command = { pid, tty, startedSilent }
    const output = yield* runForOutput(sessions, InputWait.script(command), probeBytes)
    return InputWait.verdict(output, command)
  }).pipe(
    Effect.timeoutOrElse({ duration: probeWithin, orElse: () => Effect.succeed("unknown" as const) }),
    Effect.orElseSucceed(() => "unknown" as const)
  )
