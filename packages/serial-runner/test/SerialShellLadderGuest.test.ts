import * as NodeServices from "@effect/platform-node/NodeServices"
import { describe, expect, it } from "@effect/vitest"
import { Effect, type FileSystem, type Path, type Scope } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import * as Fs from "node:fs"
import * as RealPart from "@toehold/lab/RealPart"
import * as Consoles from "./support/consoles.ts"

type Services = Scope.Scope | FileSystem.FileSystem | Path.Path | ChildProcessSpawner.ChildProcessSpawner

const limit = 600_000

const live = <A, E>(title: string, test: () => Effect.Effect<A, E, Services>) =>
  it.live(title, () => test().pipe(Effect.scoped, Effect.provide(NodeServices.layer)), limit)

const patient = { readyTimeout: "3 minutes" } as const

/** What somebody left behind on a console, and in the end in the place of its login's shell. */
const obstacles = {
  debian: [
    ["a program that reads to the end of its input", "(trap '' INT QUIT TSTP; exec cat >/dev/null)\n"],
    ["a program in the place of the shell, which ends at ^C", "exec sleep 1000\n"],
    ["a program in its place that reads to the end of its input", "trap '' INT QUIT TSTP; exec cat >/dev/null\n"],
    ["a terminal in raw mode, without an echo and without signals", "stty -isig raw -echo\n"]
  ],
  busybox: [
    ["a program that ends at ^C", "sleep 1000\n"],
    ["a line that is not complete", "half a com"],
    ["a program that ends at ^\\ alone", "(trap '' INT TSTP; exec sleep 1000)\n"],
    ["a program that can only be stopped", "(trap '' INT QUIT; exec sleep 1000)\n"],
    ["a program in the place of the shell, which ends at ^C", "exec sleep 1000\n"]
  ]
} as const

RealPart.describeWith(RealPart.guestParts, "a real console", () => {
  // They wait for the most part.
  describe.concurrent.each(["debian", "busybox"] as const)("of %s", (system) => {
    live("has a shell again, a fresh one where need be, behind whatever can be got past by keys", () =>
      Effect.gen(function* () {
        const { guest, shell } = yield* Consoles.guest({ system }, patient)
        const before = (yield* shell.identity).bootId
        for (const [title, keys] of obstacles[system]) {
          // The console is left as it was found before somebody sits down at it.
          yield* Effect.sleep("1500 millis")
          yield* Effect.sync(() => Fs.appendFileSync(guest.input, keys))
          yield* Effect.sleep("700 millis")
          const { exitCode, restarted, stdout } = yield* shell.run("echo found; exit 3")
          expect([title, exitCode, stdout.text, restarted]).toEqual([title, 3, "found\n", false])
        }
        expect((yield* shell.identity).bootId).toBe(before)
      })
    )
  })

  describe.concurrent("that nobody can be got past on", () => {
    live("says what was tried where no key helps, and is there again after a restart from outside", () =>
      Effect.gen(function* () {
        const { guest, shell } = yield* Consoles.guest(
          { system: "busybox", reboots: true },
          { readyTimeout: "30 seconds" }
        )
        yield* shell.run("true")
        yield* Effect.sleep("1500 millis")
        yield* Effect.sync(() =>
          Fs.appendFileSync(guest.input, "trap '' INT QUIT TSTP; stty -isig raw -echo; exec cat >/dev/null\n")
        )
        yield* Effect.sleep("700 millis")
        const { fix, reason } = yield* Effect.flip(shell.run("true"))
        expect(reason).toMatchObject({ _tag: "NoShell", outcome: "did-not-run" })
        if (reason._tag === "NoShell") {
          expect(reason.tried).toEqual([
            "a prompt",
            "^Q ^C",
            "^U",
            "^D",
            "a new line",
            "^\\ ^Z",
            "^D twice, for a fresh getty"
          ])
        }
        expect(fix).toContain("restart of the machine")
        yield* guest.monitor("system_reset")
        yield* Effect.sleep("1 second")
        const { restarted, stdout } = yield* shell.run("echo again").pipe(Effect.retry({ times: 3 }))
        expect([stdout.text, restarted]).toEqual(["again\n", true])
      })
    )
  })
})
