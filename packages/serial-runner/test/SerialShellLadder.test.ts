import * as NodeServices from "@effect/platform-node/NodeServices"
import { describe, expect, it } from "@effect/vitest"
import { Effect, type FileSystem, type Path, type Scope } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import * as RealPart from "@toehold/lab/RealPart"
import type { SerialShell } from "@toehold/serial-runner/SerialShell"
import * as Consoles from "./support/consoles.ts"

type Services = Scope.Scope | FileSystem.FileSystem | Path.Path | ChildProcessSpawner.ChildProcessSpawner

const limit = 180_000

const live = <A, E>(title: string, test: () => Effect.Effect<A, E, Services>) =>
  it.live(title, () => test().pipe(Effect.scoped, Effect.provide(NodeServices.layer)), limit)

const patient = { readyTimeout: "2 minutes" } as const

/** What somebody left behind on the console, by the first rung that gets past it. */
const obstacles = [
  ["a terminal in raw mode, without an echo and without signals", "stty -isig raw -echo\n"],
  ["a program that ends at ^C", "sleep 1000\n"],
  ["a line that is not complete", "half a com"],
  ["a program that reads to the end of its input", "(trap '' INT QUIT TSTP; exec cat >/dev/null)\n"],
  ["a program that ends at ^\\ alone", "(trap '' INT TSTP; exec sleep 1000)\n"],
  ["a program that can only be stopped", "(trap '' INT QUIT; exec sleep 1000)\n"]
] as const

/** The next commands work, and answer right. */
const works = Effect.fnUntraced(function* (shell: SerialShell["Service"]) {
  for (const mode of ["checked", "text"] as const) {
    const { exitCode, stdout } = yield* shell.run("echo found; exit 3", { mode })
    expect([exitCode, stdout.text]).toEqual([3, "found\n"])
  }
})

// They wait for the most part.
describe.concurrent.each(["dash", "bash", "ash"] as const)("%s", (name) => {
  RealPart.describeWith(["script", name === "ash" ? "busybox" : name], "of this computer", () => {
    for (const [title, keys] of obstacles) {
      live(`is found behind ${title}`, () =>
        Effect.gen(function* () {
          const { pty, shell } = yield* Consoles.pty({ shell: name }, patient)
          yield* Effect.sleep("300 millis")
          pty.press(keys)
          yield* Effect.sleep("300 millis")
          yield* works(shell)
        })
      )
    }

    live("is not found where no key helps, and what was tried is said in a bounded time", () =>
      Effect.gen(function* () {
        const { pty, shell } = yield* Consoles.pty({ shell: name }, { readyTimeout: "6 seconds" })
        yield* Effect.sleep("300 millis")
        pty.press("(trap '' INT QUIT TSTP; stty -isig raw -echo; exec cat >/dev/null)\n")
        yield* Effect.sleep("300 millis")
        const begun = performance.now()
        const error = yield* Effect.flip(shell.run("true"))
        expect(performance.now() - begun).toBeLessThan(30_000)
        expect(error.reason).toMatchObject({ _tag: "NoShell", outcome: "did-not-run" })
        if (error.reason._tag === "NoShell") expect(error.reason.tried.slice(0, 2)).toEqual(["a prompt", "^Q ^C"])
        expect(error.message).toContain("tried: a prompt, ^Q ^C")
        expect(error.fix).toContain("restart")
      })
    )

    live("is there again after commands that end or stop what runs them", () =>
      Effect.gen(function* () {
        const { shell } = yield* Consoles.pty({ shell: name }, patient)
        const pid = Effect.scoped(Effect.map(shell.agent, ({ machine }) => machine.pid))
        const scripts = [
          () => "kill -9 $PPID; sleep 0.2",
          () => "kill -STOP $PPID; sleep 0.2",
          () => "kill -9 $$; sleep 0.2",
          (agent: number) => `kill -9 ${agent}; sleep 0.2`,
          (agent: number) => `kill -STOP ${agent}; sleep 0.2`
        ]
        for (const script of scripts) {
          // What becomes of such a command is a result or a typed error, in seconds.
          yield* Effect.result(shell.run(script(yield* pid), { timeout: "5 seconds", killGrace: "500 millis" }))
          yield* Effect.result(shell.run("true"))
          yield* works(shell)
        }
      })
    )
  })
})
