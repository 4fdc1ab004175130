import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, it } from "@effect/vitest"
import { Effect, type FileSystem, type Path, Schedule, type Scope, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import * as Fs from "node:fs"
import * as Path_ from "node:path"
import * as Jobs from "@toehold/jobs/Jobs"
import * as RealPart from "@toehold/lab/RealPart"
import { SerialError } from "@toehold/serial-runner/SerialError"
import * as SerialProcess from "@toehold/serial-runner/SerialProcess"
import { SerialShell } from "@toehold/serial-runner/SerialShell"
import * as Consoles from "./support/consoles.ts"

type Services = Scope.Scope | FileSystem.FileSystem | Path.Path | ChildProcessSpawner.ChildProcessSpawner

const scoped = <A, E>(effect: Effect.Effect<A, E, Services>) =>
  effect.pipe(Effect.scoped, Effect.provide(NodeServices.layer))

const over = (shell: SerialShell["Service"]) => Effect.provideService(SerialProcess.make, SerialShell, shell)

const serialOf = (error: unknown): SerialError | undefined => {
  let cause = error
  for (let depth = 0; depth < 5 && typeof cause === "object" && cause !== null; depth++) {
    if (cause instanceof SerialError) return cause
    cause = "cause" in cause ? cause.cause : undefined
  }
  return undefined
}

const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => (index * 7919) >>> 3)

const printed = Effect.fnUntraced(function* (
  processes: ChildProcessSpawner.ChildProcessSpawner["Service"],
  command: ChildProcess.Command
) {
  const handle = yield* processes.spawn(command)
  const chunks = yield* Stream.runCollect(handle.stdout)
  return { exitCode: Number(yield* handle.exitCode), stdout: Buffer.concat(chunks) }
}, Effect.scoped)

const limit = 60_000

RealPart.describeWith(["script", "dash"], "processes over a bad line", () => {
  it.live(
    "lose and invent no byte of what they read and print, several at once",
    () =>
      scoped(
        Effect.gen(function* () {
          const { pty, shell } = yield* Consoles.pty({
            shell: "dash",
            output: { dropped: 1e-5, doubled: 1e-5, swapped: 1e-5, flipped: 1e-5, printk: 1e-5 }
          })
          const processes = yield* over(shell)
          const data = bytes(100_000)
          const one = Effect.fnUntraced(function* (index: number) {
            const stdin = Stream.make(data.subarray(index))
            const { exitCode, stdout } = yield* printed(processes, ChildProcess.make("cat", [], { stdin }))
            assert.isTrue(stdout.equals(data.subarray(index)), `process ${index}`)
            assert.strictEqual(exitCode, 0)
          })
          assert.strictEqual((yield* printed(processes, ChildProcess.make("echo", ["there"]))).exitCode, 0)
          const kernel = Effect.sync(() => pty.print("\r\n[   12.345678] usb 1-1: new device\r\n"))
          yield* Effect.raceFirst(
            Effect.forEach([0, 1, 2], one, { concurrency: "unbounded" }),
            Effect.andThen(Effect.repeat(kernel, Schedule.spaced("100 millis")), Effect.never)
          )
        })
      ),
    limit
  )

  it.live(
    "are begun once and read what they were given, though requests are damaged",
    () =>
      scoped(
        Effect.gen(function* () {
          const { pty, shell } = yield* Consoles.pty({
            shell: "dash",
            input: { dropped: 2e-5, doubled: 2e-5 }
          })
          const processes = yield* over(shell)
          const data = bytes(40_000)
          const file = Path_.join(pty.homeDir, "begun")
          for (let index = 0; index < 5; index++) {
            const command = ChildProcess.make("/bin/sh", ["-c", `echo ${index} >>${file}; cat`], {
              stdin: Stream.make(data)
            })
            assert.isTrue((yield* printed(processes, command)).stdout.equals(Buffer.from(data)))
          }
          const begun = yield* printed(processes, ChildProcess.make("cat", [file]))
          assert.strictEqual(begun.stdout.toString(), "0\n1\n2\n3\n4\n")
        })
      ),
    limit
  )

  it.live(
    "fail with what became of the console, each of them",
    () =>
      scoped(
        Effect.gen(function* () {
          const { pty, shell } = yield* Consoles.pty({ shell: "dash" })
          const processes = yield* over(shell)
          const first = yield* processes.spawn(ChildProcess.make("sleep", ["600"]))
          const second = yield* processes.spawn(ChildProcess.make("cat"))
          yield* pty.kill
          for (const failing of [first.exitCode, Stream.runDrain(second.stdout), second.kill()]) {
            const error = serialOf(yield* Effect.flip(failing))
            assert.strictEqual(error?.reason._tag, "PortClosed")
            assert.strictEqual(error?.outcome, "may-have-run")
          }
          const late = serialOf(yield* Effect.flip(processes.exitCode(ChildProcess.make("true"))))
          assert.strictEqual(late?.reason._tag, "PortClosed")
          const left = Effect.sync(() =>
            Fs.readdirSync(Path_.dirname(pty.homeDir)).filter((name) => name.startsWith(".toehold-"))
          )
          // What ran there is ended, and its files are removed.
          yield* Effect.repeat(left, { schedule: Schedule.spaced("50 millis"), until: (names) => names.length === 0 })
        })
      ),
    limit
  )

  it.live(
    "end when their owner was killed, and jobs go on for the next one",
    () =>
      scoped(
        Effect.gen(function* () {
          const local = yield* ChildProcessSpawner.ChildProcessSpawner
          const { pty, shell } = yield* Consoles.ptyAlone({ shell: "dash" })
          const fixture = Path_.join(import.meta.dirname, "fixtures/owner.ts")
          const owner = yield* local.spawn(
            ChildProcess.make(process.execPath, [fixture, pty.input, pty.output], { killSignal: "SIGKILL" })
          )
          const [line = "{}"] = yield* owner.stdout.pipe(
            Stream.decodeText,
            Stream.splitLines,
            Stream.take(1),
            Stream.runCollect
          )
          const { id, pid } = JSON.parse(line) as { readonly id: string; readonly pid: number }
          yield* owner.kill({ killSignal: "SIGKILL" })
          const processes = yield* over(yield* shell)
          const jobs = yield* Effect.provideService(Jobs.make(), ChildProcessSpawner.ChildProcessSpawner, processes)
          const ended = yield* jobs.wait(id, { timeout: "30 seconds" })
          assert.deepInclude(ended.state, { _tag: "Exited", exitCode: 5 })
          const { data } = yield* jobs.read(id)
          assert.strictEqual(Buffer.from(data).toString(), "begun\nended\n")
          const left = yield* printed(processes, ChildProcess.make("/bin/sh", ["-c", `kill -0 -${pid}`]))
          assert.notStrictEqual(left.exitCode, 0)
        })
      ),
    limit
  )
})

RealPart.describeWith(RealPart.guestParts, "processes on a guest", () => {
  it.live(
    "fail with a typed error when it restarts",
    () =>
      scoped(
        Effect.gen(function* () {
          const { shell } = yield* Consoles.guest({ system: "busybox", reboots: true })
          const processes = yield* over(shell)
          const waiting = yield* processes.spawn(ChildProcess.make("sleep", ["600"]))
          yield* Effect.forkChild(Effect.ignore(processes.exitCode(ChildProcess.make("reboot", ["-f"]))))
          const error = serialOf(yield* Effect.flip(waiting.exitCode))
          assert.strictEqual(error?.reason._tag, "Rebooted")
          assert.strictEqual(error?.outcome, "may-have-run")
          assert.strictEqual(
            (yield* printed(processes, ChildProcess.make("echo", ["again"]))).stdout.toString(),
            "again\n"
          )
        })
      ),
    limit
  )
})
