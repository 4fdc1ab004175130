import * as NodeServices from "@effect/platform-node/NodeServices"
import { expect, it } from "@effect/vitest"
import { Effect, type FileSystem, type Path, type Scope, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import * as Jobs from "@toehold/jobs/Jobs"
import * as JobSpec from "@toehold/jobs/JobSpec"
import * as RealPart from "@toehold/lab/RealPart"
import * as SerialProcess from "@toehold/serial-runner/SerialProcess"
import { SerialShell, type State } from "@toehold/serial-runner/SerialShell"
import * as Consoles from "./support/consoles.ts"

type Services = Scope.Scope | FileSystem.FileSystem | Path.Path | ChildProcessSpawner.ChildProcessSpawner

const limit = 600_000

const live = <A, E>(title: string, test: () => Effect.Effect<A, E, Services>) =>
  it.live(title, () => test().pipe(Effect.scoped, Effect.provide(NodeServices.layer)), limit)

/** An emulated machine takes its time, and says nothing for most of it. */
const patient = { readyTimeout: "4 minutes", lostTimeout: "3 minutes" } as const

/** What the shell has found out since. */
const watched = Effect.fnUntraced(function* (shell: SerialShell["Service"]) {
  const seen: Array<State> = []
  yield* Effect.forkScoped(Stream.runForEach(shell.states, (state) => Effect.sync(() => seen.push(state))))
  return seen
})

RealPart.describeWith(RealPart.guestParts, "a machine that restarts", () => {
  live("in the middle of a command, in order, is told, and so is what became of a job", () =>
    Effect.gen(function* () {
      const { shell } = yield* Consoles.guest({ system: "debian", reboots: true }, patient)
      const seen = yield* watched(shell)
      const processes = yield* Effect.provideService(SerialProcess.make, SerialShell, shell)
      const jobs = yield* Effect.provideService(Jobs.make(), ChildProcessSpawner.ChildProcessSpawner, processes)
      const before = (yield* shell.identity).bootId
      const { id } = yield* jobs.start(JobSpec.shell("sleep 600"))
      yield* Effect.sleep("1500 millis")
      const { outcome, reason } = yield* Effect.flip(shell.run("sudo reboot; sleep 60"))
      expect([reason._tag, outcome]).toEqual(["Rebooted", "may-have-run"])
      const { restarted, stdout } = yield* shell.run("echo again; cat /proc/sys/kernel/random/boot_id")
      expect(stdout.text).toBe(`again\n${(yield* shell.identity).bootId}\n`)
      expect(stdout.text).not.toContain(before)
      // The command before it has told so.
      expect(restarted).toBe(false)
      expect((yield* jobs.status(id)).state).toMatchObject({ _tag: "Lost", cause: "reboot" })
      expect(seen[0]).toBe("unknown")
      expect(seen).toContain("lost")
      expect(seen.lastIndexOf("rebooted")).toBeGreaterThan(seen.indexOf("lost"))
      expect(seen.at(-1)).toBe("shell")
    })
  )

  live("in the middle of a process fails that one", () =>
    Effect.gen(function* () {
      const { shell } = yield* Consoles.guest({ system: "debian", reboots: true }, patient)
      const processes = yield* Effect.provideService(SerialProcess.make, SerialShell, shell)
      const waiting = yield* processes.spawn(ChildProcess.make("sleep", ["600"]))
      yield* Effect.forkChild(Effect.ignore(processes.exitCode(ChildProcess.make("sudo", ["reboot", "-ff"]))))
      const error = yield* Effect.flip(waiting.exitCode)
      expect(String(error.cause)).toContain("The machine restarted")
      expect(yield* processes.string(ChildProcess.make("echo", ["again"]))).toBe("again\n")
    })
  )

  live("between two commands is told by the state, by those who watch it, and by the second command", () =>
    Effect.gen(function* () {
      const { guest, shell } = yield* Consoles.guest({ system: "busybox", reboots: true }, patient)
      const seen = yield* watched(shell)
      expect((yield* shell.run("echo one")).restarted).toBe(false)
      // The console is left as it was found.
      yield* Effect.sleep("1500 millis")
      const before = (yield* shell.identity).bootId
      yield* Effect.sleep("1500 millis")
      expect(yield* shell.state).toBe("shell")
      yield* guest.monitor("system_reset")
      yield* Effect.sleep("2 seconds")
      expect((yield* shell.identity).bootId).not.toBe(before)
      expect(yield* shell.state).toBe("rebooted")
      expect(seen).toEqual(["unknown", "shell", "rebooted"])
      const second = yield* shell.run("echo two")
      expect([second.stdout.text, second.restarted]).toEqual(["two\n", true])
      expect(yield* shell.state).toBe("shell")
      expect((yield* shell.run("echo three")).restarted).toBe(false)
    })
  )

  live("in the moment between two commands is told, and nothing runs twice", () =>
    Effect.gen(function* () {
      const { guest, shell } = yield* Consoles.guest({ system: "busybox", reboots: true }, patient)
      yield* shell.run("true")
      yield* guest.monitor("system_reset")
      const second = yield* Effect.result(shell.run("echo ran >>/tmp/ran; cat /tmp/ran"))
      if (second._tag === "Success") {
        expect([second.success.stdout.text, second.success.restarted]).toEqual(["ran\n", true])
      } else {
        expect(second.failure.reason._tag).toBe("Rebooted")
        const third = yield* shell.run("cat /tmp/ran; echo there")
        expect(["there\n", "ran\nthere\n"]).toContain(third.stdout.text)
      }
    })
  )
})
