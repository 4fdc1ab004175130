/** Finding out what is at the other end of a console, and getting the program in there. */
import { Clock, Duration, Effect, type Scope } from "effect"
import * as CapturedOutput from "@toehold/shell/CapturedOutput"
import type { SerialConsole } from "../SerialConsole.ts"
import * as SerialError from "../SerialError.ts"
import * as Agent from "./agent.ts"
import * as Screen from "./screen.ts"

export type State = "unknown" | "booting" | "login" | "shell" | "busy" | "lost"

interface Options {
  readonly readyTimeoutMs: number
  readonly setState: (state: State) => Effect.Effect<void>
}

const keptTail = 8192
/** How long a console is silent when it waits for somebody. */
const quiet = 250
const quietAfterBoot = 1000
/** agetty throws away what was typed before its prompt, and asks again: a name that stands there is no prompt yet. */
const loginStays = 1200

/** What is tried, one after the other, when no shell answers: ^C, ^U, the end of the input. */
const ladder: ReadonlyArray<string> = ["", "\u0003\n", "\u0015\n", "\u0004"]

const bytes = (text: string) => new TextEncoder().encode(text)

/** Finds a shell and starts the program in it. */
export const hello = Effect.fnUntraced(function* (
  console: SerialConsole["Service"],
  write: (bytes: Uint8Array) => Effect.Effect<void, SerialError.SerialError>,
  options: Options
): Effect.fn.Return<Agent.Agent, SerialError.SerialError, Scope.Scope> {
  const begun = yield* Clock.monotonicTimeNanos
  const elapsed = Effect.map(Clock.monotonicTimeNanos, (now) => Number(now - begun) / 1e6)
  let tail = ""
  let total = 0
  const failed = Effect.fnUntraced(function* (state: string) {
    const waitedMs = Math.round(yield* elapsed)
    return yield* SerialError.make(new SerialError.NoShell({ state, seen: Screen.seen(tail), waitedMs }))
  })
  const look = ({ data }: { readonly data: Uint8Array }): void => {
    total += data.length
    tail = (tail + Buffer.from(data).toString("latin1")).slice(-keptTail)
  }
  const watching = Effect.gen(function* () {
    look(yield* console.replay(keptTail))
    yield* console.listen(look)

    /** Waits until nothing comes any more. */
    const settle = Effect.fnUntraced(function* (ms: number) {
      for (;;) {
        const before = total
        yield* Effect.sleep(Duration.millis(ms))
        if (total === before || (yield* elapsed) > options.readyTimeoutMs) return
      }
    })
    const refuseLogin = Effect.gen(function* () {
      if (!Screen.isLogin(tail)) return
      yield* Effect.sleep(Duration.millis(loginStays))
      yield* settle(quiet)
      if (!Screen.isLogin(tail)) return
      yield* options.setState("login")
      return yield* SerialError.make(new SerialError.LoginPrompt({ seen: Screen.seen(tail) }))
    })
    const refusePanic = Effect.suspend(() => {
      const detail = Screen.panicIn(tail)
      return detail === undefined ? Effect.void : Effect.fail(SerialError.make(panicked(detail, "did-not-run")))
    })

    for (let attempt = 0; ; attempt++) {
      yield* settle(quiet)
      // A machine that starts says nothing for seconds; what is typed then is thrown away, or read by somebody else.
      while (Screen.isBoot(tail) && !Screen.isPrompt(tail) && (yield* elapsed) < options.readyTimeoutMs) {
        yield* options.setState("booting")
        yield* refusePanic
        yield* refuseLogin
        yield* settle(quietAfterBoot)
      }
      yield* refusePanic
      yield* refuseLogin
      if ((yield* elapsed) >= options.readyTimeoutMs) {
        if (Screen.isBoot(tail) && !Screen.isPrompt(tail)) return yield* failed("booting")
        yield* options.setState("busy")
        return yield* failed(total === 0 ? "silent" : "busy")
      }
      const step = ladder[attempt % ladder.length] ?? ""
      if (Screen.isContinuation(tail)) yield* write(bytes("\u0003"))
      else if (step !== "") yield* write(bytes(step))
      // A prompt that was printed before anybody listened is asked for again.
      else if (tail === "") yield* write(bytes("\n"))
      if (step !== "" || tail === "") yield* settle(quiet)
      yield* refuseLogin
      const agent = yield* Agent.install(console, write, { start: 3000, ready: 5000 })
      if (agent !== undefined) {
        yield* options.setState("shell")
        return agent
      }
    }
  })
  // What is heard here is heard no longer than it takes; the program's own ear stays.
  return yield* watching
})

export const panicked = (detail: string, outcome: "did-not-run" | "may-have-run") =>
  new SerialError.Panicked({ command: "", stdout: CapturedOutput.empty, stderr: CapturedOutput.empty, detail, outcome })

/** Ends the program; the console is then as it was found. */
export const leave = (agent: Agent.Agent): Effect.Effect<void> =>
  Effect.ignore(agent.ask("exit", [], ({ kind }) => kind === "x", { patience: 2 }))
