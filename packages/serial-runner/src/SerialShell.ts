/**
 * A shell on a serial console: finds out what is at the other end, runs commands there one after the other, and leaves
 * the console as it found it.
 *
 * @since 0.1.0
 */
import { Clock, Context, Duration, Effect, Layer, RcRef, type Scope, Semaphore, Stream, SubscriptionRef } from "effect"
import * as CapturedOutput from "@toehold/shell/CapturedOutput"
import * as Agent from "./internal/agent.ts"
import * as Hello from "./internal/hello.ts"
import * as Run from "./internal/run.ts"
import * as Screen from "./internal/screen.ts"
import * as Staging from "./internal/staging.ts"
import { SerialConsole } from "./SerialConsole.ts"
import * as SerialError from "./SerialError.ts"

/**
 * What is at the other end of a console.
 *
 * - `unknown`: nobody has looked yet, and nothing can be told from what it shows.
 * - `booting`: the machine starts.
 * - `login`: it asks for a login.
 * - `shell`: a shell that answers, or shows its prompt.
 * - `continuation`: a shell that waits for the rest of a command.
 * - `busy`: something that takes no commands has the terminal.
 * - `lost`: it answered once, and does not any more.
 * - `rebooted`: the machine restarted since the last command, and nothing ran there yet.
 * - `panicked`: its kernel gave up.
 * - `closed`: the port has ended.
 *
 * @since 0.1.0
 * @category models
 */
export type State =
  | "unknown"
  | "booting"
  | "login"
  | "shell"
  | "continuation"
  | "busy"
  | "lost"
  | "rebooted"
  | "panicked"
  | "closed"

/**
 * How the shell is found and used.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** How long a machine may take until a shell answers; a machine that starts is waited for. Default: 30 seconds. */
  readonly readyTimeout?: Duration.Input | undefined
  /**
   * How long a console that answers nothing at all is looked at, to say what became of a command whose shell does not answer
   * any more. Default: 5 seconds.
   */
  readonly lostTimeout?: Duration.Input | undefined
  /** The name under which commands have the console. Default: `toehold`. */
  readonly by?: string | undefined
}

/**
 * How a command runs.
 *
 * @since 0.1.0
 * @category models
 */
export interface RunOptions {
  /** Where it runs. Default: where the console's shell stood when it was found. */
  readonly cwd?: string | undefined
  /**
   * `checked`, the default: stdout and stderr apart, kept on the machine and read with a checksum, a damaged piece again.
   * `text`: both together as they come over the line, which is faster; nobody can vouch for what the line did to them.
   */
  readonly mode?: "checked" | "text" | undefined
  /** Longest time that it may run, its turn included; it is killed then. Unlimited if not given. */
  readonly timeout?: Duration.Input | undefined
  /** Longest time without output; it is killed then. Unlimited if not given. */
  readonly idleTimeout?: Duration.Input | undefined
  /** Time between SIGTERM and SIGKILL for a command that must end. Default: 2 seconds. */
  readonly killGrace?: Duration.Input | undefined
  /** Bytes kept of each stream: the first half of the limit and the last. Default: 16 MiB. */
  readonly maxOutput?: number | undefined
}

/**
 * A command that ran to its end. A non-zero exit code is a result, not an error; a signal shows as 128 and its number.
 *
 * @since 0.1.0
 * @category models
 */
export interface RunResult {
  readonly exitCode: number
  /** In text mode everything that came. */
  readonly stdout: CapturedOutput.CapturedOutput
  readonly stderr: CapturedOutput.CapturedOutput
  /** `true` where every byte was vouched for by a checksum. */
  readonly verified: boolean
  /**
   * In text mode: how many signs of damage there were, such as the kernel's messages in what was kept of the text. None
   * vouches for nothing.
   */
  readonly disturbances: number
  /**
   * The machine restarted since the last command, as this one found out before it ran: what that one had left running, in
   * memory or in a folder for temporary files may be gone.
   */
  readonly restarted: boolean
  /** Milliseconds from the request to the end of the output. */
  readonly durationMs: number
}

/**
 * What a shell says of its machine.
 *
 * @since 0.1.0
 * @category models
 */
export interface Identity {
  readonly uid: number
  /** Differs after each start of the machine; empty where there is no way to tell. */
  readonly bootId: string
}

/**
 * A shell that commands can be given to.
 *
 * @since 0.1.0
 * @category services
 */
export class SerialShell extends Context.Service<
  SerialShell,
  {
    /** What is known of the other end without typing anything. */
    readonly state: Effect.Effect<State>
    /** What commands find out about the other end, as they do: first what is known, then each change. */
    readonly states: Stream.Stream<State>
    /** Finds the shell, where that was not done yet, and says who it is. */
    readonly identity: Effect.Effect<Identity, SerialError.SerialError>
    /**
     * Runs shell text, any that `sh -c` takes: several lines, heredocs, comments, `&` at the end. Text that the shell
     * can't parse fails with `SyntaxError` and nothing of it runs. Every command starts clean: in the same folder, with
     * the environment of the console's shell, and with an empty standard input.
     */
    readonly run: (script: string, options?: RunOptions) => Effect.Effect<RunResult, SerialError.SerialError>
    /**
     * Brings bytes over into a file that only the shell's user can read, compared with a checksum, and says its path. The
     * file is gone with the scope.
     */
    readonly stage: (bytes: Uint8Array) => Effect.Effect<string, SerialError.SerialError, Scope.Scope>
    /** For what is built on it: the machine's side, with the console for as long as the scope. */
    readonly agent: Effect.Effect<Agent.Agent, SerialError.SerialError, Scope.Scope>
    /** For what is built on it: why the machine's side does not answer any more, which nobody may hold by then. */
    readonly lost: (outcome: Run.Lost["outcome"]) => Effect.Effect<SerialError.SerialError>
  }
>()("@toehold/serial-runner/SerialShell") {}

const defaultMaxOutput = 16 * 1024 * 1024

const millis = (input: Duration.Input | undefined): number | undefined =>
  input === undefined ? undefined : Duration.toMillis(Duration.fromInputUnsafe(input))

/** Commands in checked mode that may run at the same time. */
const together = 8

/** How much of what the console shows is looked at. */
const shownBytes = 16 * 1024

/** How long the console is kept after a command, so that the next one need not ask who is there again. */
const keptFor = "1 second"

/**
 * A shell on the console of the context. Nothing is typed before it is used.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fn("SerialShell.make")(function* (
  options: Options = {}
): Effect.fn.Return<SerialShell["Service"], never, Scope.Scope | SerialConsole> {
  const console = yield* SerialConsole
  const by = options.by ?? "toehold"
  const readyTimeoutMs = millis(options.readyTimeout) ?? 30_000
  const lostTimeoutMs = millis(options.lostTimeout) ?? 5000
  const states = yield* SubscriptionRef.make<State>("unknown")
  const known = () => SubscriptionRef.getUnsafe(states)
  const setState = (next: State) => (next === known() ? Effect.void : SubscriptionRef.set(states, next))
  let isHeld = false
  /** Somebody looks what became of a command. */
  let isLooking = false
  let bootId: string | undefined
  /** It restarted, and nobody was told; or the end of which boot somebody was told. */
  let hasRestarted = false
  let toldOf: string | undefined
  /** How much the machine had printed when the shell was found, and when it was left. */
  let foundAt = 0
  let leftAt = 0

  const acquire = Effect.gen(function* () {
    const turn = yield* console.turn(by)
    yield* Effect.addFinalizer(() =>
      Effect.map(console.offset, (offset) => {
        isHeld = false
        leftAt = offset
      })
    )
    const silenceMs = isLooking ? lostTimeoutMs : undefined
    const agent = yield* Hello.hello(console, turn.write, { readyTimeoutMs, silenceMs, setState })
    isHeld = true
    foundAt = yield* console.offset
    yield* Effect.addFinalizer(() => Hello.leave(agent))
    const isOther = bootId !== undefined && bootId !== agent.machine.bootId
    if (isOther && bootId !== toldOf) hasRestarted = true
    bootId = agent.machine.bootId
    yield* setState(isOther ? "rebooted" : "shell")
    return agent
  })
  const current = yield* RcRef.make({ acquire, idleTimeToLive: keptFor })
  /** Text has the line to itself, and so takes all of them. */
  const lines = yield* Semaphore.make(together)

  const shown = (since: number) =>
    Effect.gen(function* () {
      const bytes = Math.min(shownBytes, Math.max(0, (yield* console.offset) - since))
      const { data } = yield* console.replay(bytes)
      return Buffer.from(data).toString("latin1")
    })

  /** Whether who answered a moment ago still does, where the machine seems to have restarted since. */
  const isThere = Effect.gen(function* () {
    if (!isHeld) return true
    const agent = yield* RcRef.get(current)
    if (!Screen.isStart(yield* shown(agent.heardAt()))) return true
    const id = agent.nextSequence()
    const asked = agent.ask("P", [id], ({ fields, kind }) => kind === "p" && fields[0] === String(id))
    return (yield* Effect.result(asked))._tag === "Success"
  }).pipe(Effect.scoped)

  /** For something that runs. */
  const agent = Effect.gen(function* () {
    if (!(yield* isThere)) yield* RcRef.invalidate(current)
    const found = yield* RcRef.get(current)
    yield* setState("shell")
    return found
  })

  const state = Effect.gen(function* () {
    if (yield* Agent.isClosed(console)) return "closed"
    if (isHeld) return known()
    const sight = Screen.look(yield* shown(0))
    if (sight !== undefined && sight !== "shell") return sight
    const isRestarted = known() === "rebooted" || (bootId !== undefined && Screen.isStart(yield* shown(leftAt)))
    return isRestarted ? "rebooted" : (sight ?? known())
  })

  /** Looks who is there now, to say what became of a command that nobody answers for. */
  const explain = Effect.fnUntraced(function* (lost: Run.Lost, script: string, since: number) {
    const before = bootId
    yield* setState("lost")
    const { outcome, stdout } = lost
    const details = { command: Run.display(script), stdout, stderr: CapturedOutput.empty }
    const panicked = Effect.fnUntraced(function* (detail: string) {
      yield* setState("panicked")
      return SerialError.make(new SerialError.Panicked({ ...details, detail, outcome }))
    })
    const rebooted = Effect.sync(() => {
      toldOf = before
      hasRestarted = false
      return SerialError.make(new SerialError.Rebooted({ ...details, outcome }))
    })
    // The kernel's last words come right before the end of the port, where it ends.
    const words = Screen.panicIn(yield* shown(since))
    if (words !== undefined) {
      yield* Effect.forkDetach(RcRef.invalidate(current))
      return yield* panicked(words)
    }
    if (yield* Agent.isClosed(console)) {
      const { reason } = yield* console.closed
      const detail = reason._tag === "PortClosed" ? reason.detail : reason.message
      return SerialError.make(new SerialError.PortClosed({ port: console.name, detail, outcome }))
    }
    yield* RcRef.invalidate(current)
    // It had a shell, and starts: which one it will be need not be known.
    if (Screen.isStart(yield* shown(since)) && Screen.look(yield* shown(since)) === "booting") {
      yield* setState("booting")
      return yield* rebooted
    }
    isLooking = true
    const found = yield* Effect.result(Effect.scoped(RcRef.get(current))).pipe(
      Effect.ensuring(Effect.sync(() => void (isLooking = false)))
    )
    if (found._tag === "Failure") {
      const { reason } = found.failure
      if (reason._tag === "Panicked") return yield* panicked(reason.detail)
      if (reason._tag === "PortClosed") {
        return SerialError.make(new SerialError.PortClosed({ port: reason.port, detail: reason.detail, outcome }))
      }
      if (known() === "booting") return yield* rebooted
      return SerialError.make(new SerialError.ShellEnded({ ...details, detail: reason.message, outcome }))
    }
    if (before !== undefined && bootId !== before) return yield* rebooted
    const detail = "there is another one now, which can be used"
    return SerialError.make(new SerialError.ShellEnded({ ...details, detail, outcome }))
  })

  const run = (script: string, runOptions: RunOptions = {}): Effect.Effect<RunResult, SerialError.SerialError> =>
    Effect.gen(function* () {
      if (script.includes("\0") || runOptions.cwd?.includes("\0") === true) {
        return yield* SerialError.make(
          new SerialError.InvalidArgument({ argument: "The command", detail: "no shell text holds a NUL" })
        )
      }
      const begun = yield* Clock.monotonicTimeNanos
      const since = yield* console.offset
      const timeoutMs = millis(runOptions.timeout)
      const request: Run.Request = {
        script,
        cwd: runOptions.cwd ?? "",
        mode: runOptions.mode ?? "checked",
        limits: {
          timeoutMs,
          idleTimeoutMs: millis(runOptions.idleTimeout),
          killGraceMs: millis(runOptions.killGrace) ?? 2000
        },
        maxOutput: runOptions.maxOutput ?? defaultMaxOutput
      }
      const turn = Effect.tap(agent, () =>
        Effect.acquireRelease(
          Semaphore.take(lines, request.mode === "text" ? together : 1),
          (taken) => Semaphore.release(lines, taken),
          { interruptible: true }
        )
      )
      const inTime =
        timeoutMs === undefined
          ? turn
          : Effect.timeoutOrElse(turn, {
              duration: timeoutMs,
              orElse: () => Effect.fail(SerialError.make(Run.notInTime(request)))
            })
      let restarted = false
      const result = yield* inTime.pipe(
        Effect.flatMap((agent) => {
          restarted = hasRestarted
          hasRestarted = false
          return Run.run(agent, request, begun)
        }),
        Effect.scoped,
        Effect.catchTag("Lost", (lost) => Effect.flatMap(explain(lost, script, since), Effect.fail))
      )
      return { ...result, restarted, durationMs: Number((yield* Clock.monotonicTimeNanos) - begun) / 1e6 }
    })

  const stage = Effect.fnUntraced(function* (bytes: Uint8Array) {
    const since = yield* console.offset
    const to = yield* agent
    const sequence = to.nextSequence()
    yield* Effect.addFinalizer(() => Effect.ignore(to.send("F", sequence)))
    yield* Effect.acquireRelease(Semaphore.take(lines, together), (taken) => Semaphore.release(lines, taken), {
      interruptible: true
    }).pipe(
      Effect.andThen(Staging.stage(to, sequence, bytes)),
      Effect.scoped,
      Effect.catchIf(
        (error) => error === undefined,
        () => Effect.flatMap(explain(new Run.Lost("did-not-run"), "", since), Effect.fail)
      )
    )
    return Staging.path(to, sequence)
  })

  return {
    state,
    states: SubscriptionRef.changes(states),
    stage,
    identity: Effect.scoped(
      Effect.map(RcRef.get(current), ({ machine }) => ({ uid: machine.uid, bootId: machine.bootId }))
    ),
    run,
    agent,
    lost: (outcome) => Effect.suspend(() => explain(new Run.Lost(outcome), "", foundAt))
  }
})

/**
 * A shell as a layer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options = {}): Layer.Layer<SerialShell, never, SerialConsole> =>
  Layer.effect(SerialShell, make(options))
