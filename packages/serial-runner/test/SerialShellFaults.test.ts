import * as NodeServices from "@effect/platform-node/NodeServices"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber, type FileSystem, type Path, type Scope } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import * as Fs from "node:fs"
import * as PtyShell from "@toehold/lab/PtyShell"
import * as RealPart from "@toehold/lab/RealPart"
import * as SerialConsole from "@toehold/serial-runner/SerialConsole"
import * as SerialPort from "@toehold/serial-runner/SerialPort"
import * as SerialShell from "@toehold/serial-runner/SerialShell"
import * as SerialTarget from "@toehold/serial-runner/SerialTarget"
import * as Consoles from "./support/consoles.ts"
import * as Fifos from "./support/fifos.ts"

type Services = Scope.Scope | FileSystem.FileSystem | Path.Path | ChildProcessSpawner.ChildProcessSpawner

const live = <A, E>(title: string, test: () => Effect.Effect<A, E, Services>) =>
  it.live(title, () => test().pipe(Effect.scoped, Effect.provide(NodeServices.layer)), 60_000)

const readable = { readyTimeout: "20 seconds" } as const

const opened = (options: PtyShell.Options) => Consoles.pty(options, readable)

/** What somebody sees who looks at the console, until the scope closes. */
const watched = Effect.fnUntraced(function* (console: SerialConsole.SerialConsole["Service"]) {
  const seen = { text: "" }
  yield* console.listen(({ data }) => void (seen.text += Buffer.from(data).toString("latin1")))
  return seen
})

const until = (isSo: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() => (isSo() ? Effect.void : Effect.andThen(Effect.sleep("20 millis"), until(isSo))))

describe("a console that is no shell's", () => {
  const played = Effect.fnUntraced(function* (screen: string, options?: SerialShell.Options) {
    const pair = yield* Fifos.pair()
    const machine = yield* Fifos.machine(pair)
    const port = yield* SerialPort.make(SerialTarget.Fifo(pair))
    const console = yield* Effect.provideService(SerialConsole.make(), SerialPort.SerialPort, port)
    const shell = yield* Effect.provideService(SerialShell.make(options), SerialConsole.SerialConsole, console)
    const typed = yield* Effect.forkScoped(machine.read(1))
    machine.print(Buffer.from(screen))
    yield* until(() => true)
    yield* Effect.sleep("50 millis")
    return { shell, machine, hasTyped: () => typed.pollUnsafe() !== undefined }
  })

  live("is refused at once when it asks for a login, and nothing is typed", () =>
    Effect.gen(function* () {
      const { hasTyped, shell } = yield* played("\r\nDebian GNU/Linux 12 vm ttyS0\r\n\r\nvm login: ")
      expect(yield* shell.state).toBe("login")
      const started = performance.now()
      const error = yield* Effect.flip(shell.run("true"))
      expect(error.reason).toMatchObject({ _tag: "LoginPrompt", outcome: "did-not-run" })
      expect(error.fix).toContain("autologin")
      expect(performance.now() - started).toBeLessThan(8000)
      expect(hasTyped()).toBe(false)
    })
  )

  live("has panicked when its kernel's last words say so", () =>
    Effect.gen(function* () {
      const words = "Kernel panic - not syncing: sysrq triggered crash"
      const { hasTyped, shell } = yield* played(`$ \r\n[   12.000001] ${words}\r\n[   12.1] ---[ end ${words} ]---\r\n`)
      expect(yield* shell.state).toBe("panicked")
      const { reason } = yield* Effect.flip(shell.run("true"))
      expect(reason).toMatchObject({ _tag: "Panicked", detail: words, outcome: "did-not-run" })
      expect(hasTyped()).toBe(false)
    })
  )

  live("is no shell when nobody answers, and says what it shows", () =>
    Effect.gen(function* () {
      const { shell } = yield* played("\r\n[  OK  ] Reached target Basic System.\r\n", { readyTimeout: "2 seconds" })
      expect(yield* shell.state).toBe("booting")
      const { reason } = yield* Effect.flip(shell.run("true"))
      expect(reason).toMatchObject({ _tag: "NoShell", state: "booting", outcome: "did-not-run" })
      if (reason._tag === "NoShell") expect(reason.seen).toContain("Basic System")
    })
  )
})

describe.each(["dash", "bash", "ash"] as const)("%s on a bad line", (name) => {
  RealPart.describeWith(["script", name === "ash" ? "busybox" : name], "of this computer", () => {
    live("answers right for every command, each run once, whatever happens to the bytes", () =>
      Effect.gen(function* () {
        const rates = { dropped: 0.0003, doubled: 0.0003, swapped: 0.0001, flipped: 0.0001, printk: 0.0003 }
        const { pty, shell } = yield* opened({
          shell: name,
          output: rates,
          input: { dropped: 0.0001, doubled: 0.0001, flipped: 0.00005 },
          chunkBytes: 97
        })
        const count = 60
        for (let at = 0; at < count; at++) {
          const long = at % 20 === 19 ? `seq 1 ${at * 50}` : "true"
          const result = yield* shell.run(
            `echo ${at} >>~/log; echo "$((${at} * 7))"; ${long}; echo no >&2; exit ${at % 9}`
          )
          const numbers = at % 20 === 19 ? Array.from({ length: at * 50 }, (_, index) => `${index + 1}\n`).join("") : ""
          expect([result.exitCode, result.stdout.text, result.stderr.text]).toEqual([
            at % 9,
            `${at * 7}\n${numbers}`,
            "no\n"
          ])
        }
        pty.setFaults(false)
        const log = Fs.readFileSync(`${pty.homeDir}/log`, "utf8")
        expect(log).toBe(Array.from({ length: count }, (_, at) => `${at}\n`).join(""))
      })
    )

    live("brings two long outputs over whole, however the line is, and the ends of what is longer than the limit", () =>
      Effect.gen(function* () {
        const rates = { dropped: 0.000005, flipped: 0.000005, printk: 0.000005 }
        const { pty, shell } = yield* opened({ shell: name, output: rates })
        pty.setFaults(false)
        const numbers = Array.from({ length: 60_000 }, (_, index) => `${index + 1}\n`).join("")
        const script = "seq 1 60000; seq 1 60000 >&2"
        for (const isFaulty of [false, true, false]) {
          pty.setFaults(isFaulty)
          const { stderr, stdout } = yield* shell.run(script)
          expect([stdout.text === numbers, stderr.text === numbers]).toEqual([true, true])
        }
        const { stdout } = yield* shell.run(script, { maxOutput: 100_001 })
        const [head, tail] = [stdout.head, stdout.tail].map((bytes) => Buffer.from(bytes).toString())
        expect([head === numbers.slice(0, 50_001), tail === numbers.slice(-50_000)]).toEqual([true, true])
        expect(stdout.totalBytes).toBe(numbers.length)
      })
    )

    live("is not misled by keys that a person presses in the middle, ^C and ^D among them", () =>
      Effect.gen(function* () {
        const { pty, shell } = yield* opened({ shell: name })
        for (let at = 0; at < 10; at++) {
          const running = yield* Effect.forkChild(shell.run(`sleep 0.0${at}; seq 1 2000`))
          yield* Effect.sleep(at * 7)
          pty.press(["x", "\u0003", "rm -rf /\n", "\r", "\u0004"][at % 5] ?? "")
          const result = yield* Fiber.join(running)
          expect(result.stdout.totalBytes).toBe(8893)
        }
      })
    )

    live("shows nothing of a command that was ended in the output of the next one", () =>
      Effect.gen(function* () {
        const { shell } = yield* opened({ shell: name })
        const late =
          "(trap '' TERM; sleep 1.2; echo late; echo late >&2) & trap '' TERM INT; (sleep 1.2; echo late); sleep 30"
        yield* shell.run("true")
        const error = yield* Effect.flip(
          shell.run(late, { mode: "text", timeout: "400 millis", killGrace: "100 millis" })
        )
        expect(error.reason).toMatchObject({ _tag: "CommandTimeout", killed: true, consoleState: "shell" })
        const next = yield* shell.run("sleep 1.5; echo next", { mode: "text" })
        expect(next.stdout.text).toBe("next\n")
      })
    )

    live("can't be misled by output that looks like answers, by a trace, or by what ps shows", () =>
      Effect.gen(function* () {
        const { console, shell } = yield* opened({ shell: name })
        const seen = yield* watched(console)
        yield* shell.run("true")
        const [, nonce = ""] = /@([0-9a-f]{16}) \d/.exec(seen.text) ?? []
        expect(nonce).not.toBe("")
        const forged = `\\n@0123456789abcdef 9 e 2 0 0 0|e 2 0 0 0\\n`
        for (const mode of ["text", "checked"] as const) {
          const result = yield* shell.run(`printf '${forged}'; set -x; : $$; exit 5`, { mode })
          expect([result.exitCode, result.stdout.text.startsWith("\n@0123456789abcdef 9 e")]).toEqual([5, true])
          for (const script of [
            "set; env; alias; trap",
            "cat /proc/*/cmdline /proc/*/environ 2>/dev/null | tr '\\0' '\\n'"
          ]) {
            const told = yield* shell.run(script, { mode })
            expect(told.exitCode).toBe(0)
            expect(told.stdout.text.includes(nonce)).toBe(false)
          }
        }
      })
    )

    live("finds a prompt behind a question for more, a stopped screen and a program that waits", () =>
      Effect.gen(function* () {
        for (const obstacle of ["echo 'one\n", "cat <<EOF\n", "cat\n", "sleep 1000\n", "\u0013", "half a com"]) {
          yield* Effect.scoped(
            Effect.gen(function* () {
              const { pty, shell } = yield* opened({ shell: name })
              yield* Effect.sleep("300 millis")
              pty.press(obstacle)
              yield* Effect.sleep("200 millis")
              const result = yield* shell.run("echo found")
              expect([obstacle, result.stdout.text]).toEqual([obstacle, "found\n"])
            })
          )
        }
      })
    )

    live("takes over from an owner that died, and what that one ran is gone", () =>
      Effect.gen(function* () {
        const { console, pty } = yield* opened({ shell: name })
        let isDead = false
        const dying = {
          ...console,
          turn: () =>
            Effect.succeed({ write: (bytes: Uint8Array) => (isDead ? Effect.void : console.type("first", bytes)) })
        }
        const first = yield* Effect.provideService(SerialShell.make(readable), SerialConsole.SerialConsole, dying)
        yield* first.run("true")
        yield* Effect.forkChild(first.run("sleep 1; echo orphan >~/orphan; echo orphan; sleep 60", { mode: "text" }))
        yield* Effect.sleep("300 millis")
        isDead = true
        const owner = yield* Effect.provideService(SerialShell.make(readable), SerialConsole.SerialConsole, console)
        const result = yield* owner.run("sleep 1; echo mine", { mode: "text" })
        expect(result.stdout.text).toBe("mine\n")
        expect(Fs.existsSync(`${pty.homeDir}/orphan`)).toBe(false)
      })
    )

    live("leaves the terminal and the prompt to the person who had them", () =>
      Effect.gen(function* () {
        const { console, pty } = yield* opened({ shell: name })
        const seen = yield* watched(console)
        yield* until(() => /[$#] (?:\u001b\[6n)?$/.test(seen.text))
        pty.press("stty -a | tr ' ' '_'; X=kept; echo before-$((40+2))\n")
        yield* until(() => seen.text.includes("before-42"))
        const [before] = seen.text.match(/speed[^\n]*[\s\S]*?before/) ?? []
        yield* Effect.scoped(
          Effect.gen(function* () {
            const own = yield* Effect.provideService(SerialShell.make(), SerialConsole.SerialConsole, console)
            expect((yield* own.run("echo one")).stdout.text).toBe("one\n")
          })
        )
        seen.text = ""
        pty.press("stty -a | tr ' ' '_'; echo before-$X\n")
        yield* until(() => seen.text.includes("before-kept"))
        const [after] = seen.text.match(/speed[^\n]*[\s\S]*?before/) ?? []
        expect(after).toBe(before)
        expect(Fs.readdirSync(`${pty.homeDir}/..`).filter((name) => name.startsWith(".toehold"))).toEqual([])
      })
    )
  })
})
