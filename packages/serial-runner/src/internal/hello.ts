/** Finding out what is at the other end of a console, and getting the program in there. */
import { Clock, Duration, Effect, Exit, Scope } from "effect"
import * as CapturedOutput from "@toehold/shell/CapturedOutput"
import type { SerialConsole } from "../SerialConsole.ts"
import * as SerialError from "../SerialError.ts"
import * as Agent from "./agent.ts"
import * as Screen from "./screen.ts"

interface Options {
  readonly readyTimeoutMs: number
  /** For less patience with a console that answers nothing at all. */
  readonly silenceMs?: number | undefined
  readonly setState: (state: Screen.Sight | "busy") => Effect.Effect<void>
}

const keptTail = 8192
/** How long a console is silent when it waits for somebody. */
const quiet = 200
const quietAfterBoot = 1000
/** A machine that starts may be silent for so long. */
const bootSilence = 4000
/** agetty throws away what was typed before its prompt, and asks again: a name that stands there is no prompt yet. */
const loginStays = 1200

/** What is typed, and its name. */
interface Rung {
  readonly keys: string
  readonly name: string
}

/**
 * What is tried, one after the other, when no shell answers: ^C (after ^Q, for a screen that somebody stopped, and once
 * more for an editor that takes the first one literally), ^U, the end of the input, and then the shell's own end, after
 * which getty starts another one. A program that takes no notice of ^C may do so of ^\\, or of ^Z.
 */
const ladder: ReadonlyArray<Rung> = [
  { keys: "", name: "a prompt" },
  { keys: "\u0011\u0003\u0003\n", name: "^Q ^C" },
  { keys: "\u0015\n", name: "^U" },
  { keys: "\u0004", name: "^D" },
  { keys: "\n", name: "a new line" },
  { keys: "\u0003\u001c\u001a\n", name: "^\\ ^Z" },
  { keys: "\u0004\u0004", name: "^D twice, for a fresh getty" }
]

/** A try that is under way when the time is over gets so much more. */
const graceMs = 5000

/** For a shell that waits for the rest of a command. */
const continued: Rung = { keys: "\u0003", name: "^C" }

const bytes = (text: string) => new TextEncoder().encode(text)

/** Finds a shell and starts the program in it. */
export const hello = Effect.fnUntraced(function* (
  console: SerialConsole["Service"],
  write: (bytes: Uint8Array) => Effect.Effect<void, SerialError.SerialError>,
  options: Options
): Effect.fn.Return<Agent.Agent, SerialError.SerialError, Scope.Scope> {
  const outer = yield* Effect.scope
  const begun = yield* Clock.monotonicTimeNanos
  const elapsed = Effect.map(Clock.monotonicTimeNanos, (now) => Number(now - begun) / 1e6)
  const isLate = Effect.map(elapsed, (ms) => ms >= options.readyTimeoutMs)
  let tail = ""
  let total = 0
  /** How much of it was printed before anybody asked. */
  let printed = 0
  const tried = new Set<string>()
  const look = ({ data }: { readonly data: Uint8Array }): void => {
    total += data.length
    tail = (tail + Buffer.from(data).toString("latin1")).slice(-keptTail)
  }

  /** Waits until nothing comes any more. */
  const settle = Effect.fnUntraced(function* (ms: number) {
    for (;;) {
      const before = total
      yield* Effect.sleep(Duration.millis(ms))
      if (total === before || (yield* isLate)) return
    }
  })

  const failed = Effect.fnUntraced(function* (state: string) {
    const waitedMs = Math.round(yield* elapsed)
    return yield* SerialError.make(
      new SerialError.NoShell({ state, seen: Screen.seen(tail), tried: [...tried], waitedMs })
    )
  })

  /** Fails where nothing may be typed, or nobody is there to read it. */
  const refuse = Effect.gen(function* () {
    const panic = Screen.panicIn(tail)
    if (panic !== undefined) {
      yield* options.setState("panicked")
      return yield* SerialError.make(panicked(panic, "did-not-run"))
    }
    if (!Screen.isLogin(tail)) return
    yield* Effect.sleep(Duration.millis(loginStays))
    yield* settle(quiet)
    if (!Screen.isLogin(tail)) return
    yield* options.setState("login")
    return yield* SerialError.make(new SerialError.LoginPrompt({ seen: Screen.seen(tail) }))
  })

  /** A machine that starts says nothing for seconds; what is typed then is thrown away, or read by somebody else. */
  const afterBoot = Effect.gen(function* () {
    let silent = 0
    while (Screen.look(tail) === "booting" && silent < bootSilence && !(yield* isLate)) {
      yield* options.setState("booting")
      const before = total
      yield* settle(quietAfterBoot)
      silent = total === before ? silent + quietAfterBoot : 0
      yield* refuse
    }
  })

  /** One try, in a scope that stays open only when it was the right one. */
  const install = Effect.fnUntraced(function* (attempt: number) {
    const scope = yield* Scope.fork(outer)
    // Where there is a prompt it is worth waiting for; without one there is more to be tried.
    const start = (Screen.isPrompt(tail) ? 4000 : 1000) + 300 * attempt
    const within = { start, quiet: 700 * (attempt + 1), ready: 4000 }
    const agent = yield* Scope.provide(Agent.install(console, write, within), scope).pipe(
      Effect.onExit((exit) =>
        Exit.isSuccess(exit) && exit.value !== undefined ? Effect.void : Scope.close(scope, exit)
      )
    )
    return agent
  })

  const giveUp = Effect.gen(function* () {
    const isBooting = Screen.look(tail) === "booting"
    yield* options.setState(isBooting ? "booting" : "busy")
    return yield* failed(isBooting ? "booting" : total === printed ? "silent" : "busy")
  })

  const watching = Effect.gen(function* () {
    look(yield* console.replay(keptTail))
    printed = total
    yield* console.listen(look)
    let attempt = 0
    for (let looks = 0; ; looks++) {
      yield* settle(quiet)
      yield* refuse
      yield* afterBoot
      if (yield* isLate) return yield* giveUp
      const isContinuation = Screen.isContinuation(tail)
      if (isContinuation) yield* options.setState("continuation")
      const { keys, name } = isContinuation ? continued : (ladder[attempt % ladder.length] ?? continued)
      // A prompt that was printed before anybody listened is asked for again.
      const typed = keys === "" && !Screen.isPrompt(tail) ? "\n" : keys
      if (typed !== "") {
        yield* write(bytes(typed))
        yield* settle(quiet)
        yield* refuse
      }
      // Nobody who says nothing at all is a shell, or not yet; what is typed now would wait for it.
      if (tail === "" && looks < 3) continue
      tried.add(name)
      const agent = yield* install(attempt++)
      if (agent !== undefined) return agent
    }
  })
  const silence = Effect.gen(function* () {
    if (options.silenceMs === undefined) return yield* Effect.never
    yield* Effect.sleep(options.silenceMs)
    return total === printed ? yield* giveUp : yield* Effect.never
  })
  // A machine that takes nothing, either, holds up whoever writes.
  const deadline = Effect.andThen(Effect.sleep(options.readyTimeoutMs + graceMs), giveUp)
  // What is heard here is heard no longer than it takes; the program's own ear stays.
  return yield* Effect.scoped(watching).pipe(Effect.raceFirst(silence), Effect.raceFirst(deadline))
})

export const panicked = (detail: string, outcome: "did-not-run" | "may-have-run") =>
  new SerialError.Panicked({ command: "", stdout: CapturedOutput.empty, stderr: CapturedOutput.empty, detail, outcome })

/** Ends the program; the console is then as it was found. */
export const leave = (agent: Agent.Agent): Effect.Effect<void> =>
  agent.isGone() ? Effect.void : Effect.ignore(agent.ask("exit", [], ({ kind }) => kind === "x", { patience: 3 }))
