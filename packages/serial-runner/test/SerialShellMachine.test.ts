import * as NodeServices from "@effect/platform-node/NodeServices"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber, type FileSystem, type Path, type Scope, Stream } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import * as RealPart from "@toehold/lab/RealPart"
import type { SerialShell } from "@toehold/serial-runner/SerialShell"
import * as Consoles from "./support/consoles.ts"

type Services = Scope.Scope | FileSystem.FileSystem | Path.Path | ChildProcessSpawner.ChildProcessSpawner

const limit = 600_000

const live = <A, E>(title: string, test: () => Effect.Effect<A, E, Services>) =>
  it.live(title, () => test().pipe(Effect.scoped, Effect.provide(NodeServices.layer)), limit)

const patient = { readyTimeout: "3 minutes" } as const

/** What became of a command that was running when something happened to its machine. */
const interrupted = Effect.fnUntraced(function* (shell: SerialShell["Service"], script: string) {
  yield* shell.run("true")
  return (yield* Effect.flip(shell.run(script))).reason
})

RealPart.describeWith(RealPart.guestParts, "a real machine", () => {
  describe.each([
    ["debian", "sudo "],
    ["busybox", ""]
  ] as const)("%s", (system, sudo) => {
    live("whose kernel panics in the middle of a command is told apart, with the kernel's words", () =>
      Effect.gen(function* () {
        const { guest, shell } = yield* Consoles.guest({ system }, patient)
        const reason = yield* interrupted(shell, `${sudo}sh -c 'sleep 0.2; echo c >/proc/sysrq-trigger'; sleep 60`)
        expect(reason).toMatchObject({ _tag: "Panicked", outcome: "may-have-run" })
        expect(reason.message).toContain("sysrq triggered crash")
        yield* guest.ended
        const next = yield* Effect.flip(shell.run("true"))
        expect(["PortClosed", "Panicked"]).toContain(next.reason._tag)
        expect(next.outcome).toBe("did-not-run")
      })
    )

    live("that is gone in the middle of a command has closed its port", () =>
      Effect.gen(function* () {
        const { guest, shell } = yield* Consoles.guest({ system }, patient)
        yield* shell.run("true")
        const running = yield* Effect.forkChild(Effect.flip(shell.run("sleep 60")))
        yield* Effect.sleep("500 millis")
        yield* guest.kill
        expect((yield* Fiber.join(running)).reason).toMatchObject({ _tag: "PortClosed", outcome: "may-have-run" })
        expect((yield* Effect.flip(shell.run("true"))).reason).toMatchObject({
          _tag: "PortClosed",
          outcome: "did-not-run"
        })
        expect(yield* shell.state).toBe("closed")
      })
    )

    live("whose kernel talks all the time loses nothing of an output", () =>
      Effect.gen(function* () {
        const { shell } = yield* Consoles.guest({ system }, patient)
        const noise = 'while :; do echo "<0>somebody plugged something in" >/dev/kmsg; sleep 0.02; done'
        yield* shell.run(`${sudo}sh -c 'dmesg -n 8; (${noise}) >/dev/null 2>&1 &'`)
        for (let at = 0; at < 4; at++) {
          const { stdout, verified } = yield* shell.run(`seq ${at} 12000`)
          expect(verified).toBe(true)
          expect(stdout.text).toBe(Array.from({ length: 12_001 - at }, (_, line) => `${line + at}\n`).join(""))
        }
        const text = yield* shell.run("seq 1 6000; sleep 2; seq 1 6000", { mode: "text" })
        expect([text.verified, text.disturbances > 0]).toEqual([false, true])
      })
    )
  })

  live("that asks for a login is told, and nothing is typed there", () =>
    Effect.gen(function* () {
      const { console, shell } = yield* Consoles.guest({ system: "debian" }, patient)
      const unit = "/etc/systemd/system/serial-getty@ttyS0.service.d/autologin.conf"
      const restart = "sleep 2; systemctl daemon-reload; systemctl restart serial-getty@ttyS0"
      // The console is left before the getty is started anew, which asks from then on.
      yield* shell.run(`sudo sh -c "rm ${unit}; setsid sh -c '${restart}' >/dev/null 2>&1 &"`)
      const seen = { text: "" }
      yield* console.listen(({ data }) => void (seen.text += Buffer.from(data).toString("latin1")))
      yield* Effect.repeat(Effect.sleep("200 millis"), { until: () => seen.text.endsWith("login: ") })
      expect(yield* shell.state).toBe("login")
      const typed: Array<string> = []
      yield* Effect.forkScoped(Stream.runForEach(console.typed, ({ by }) => Effect.sync(() => typed.push(by))))
      yield* Effect.sleep("50 millis")
      const error = yield* Effect.flip(shell.run("true"))
      expect(error.reason).toMatchObject({ _tag: "LoginPrompt", outcome: "did-not-run" })
      expect(error.fix).toContain("autologin")
      expect(typed).toEqual([])
    })
  )

  live("that restarts in the middle of a command says so, and takes the next one", () =>
    Effect.gen(function* () {
      const { shell } = yield* Consoles.guest({ system: "busybox", reboots: true }, patient)
      const before = (yield* shell.identity).bootId
      const reason = yield* interrupted(shell, "sleep 0.2; reboot -f; sleep 60")
      expect(reason).toMatchObject({ _tag: "Rebooted", outcome: "may-have-run" })
      expect((yield* shell.run("echo again")).stdout.text).toBe("again\n")
      expect((yield* shell.identity).bootId).not.toBe(before)
    })
  )

  live("that goes back to a snapshot in mid-transmission takes the next command", () =>
    Effect.gen(function* () {
      const { guest, shell } = yield* Consoles.guest({ system: "debian" }, patient)
      const monitor = (line: string) => guest.monitor("human-monitor-command", { "command-line": line })
      yield* shell.run("true")
      const running = yield* Effect.forkChild(shell.run("seq 1 60000"))
      yield* Effect.sleep("400 millis")
      yield* monitor("savevm middle")
      expect((yield* Fiber.join(running)).stdout.totalBytes).toBe(348_894)
      expect((yield* shell.run("echo later")).stdout.text).toBe("later\n")
      yield* monitor("loadvm middle")
      expect((yield* shell.run("echo after")).stdout.text).toBe("after\n")
      expect((yield* shell.run("seq 1 20000")).stdout.totalBytes).toBe(108_894)
    })
  )
})
