import * as NodeServices from "@effect/platform-node/NodeServices"
import { describe, expect, it } from "@effect/vitest"
import { Effect, type FileSystem, type Path, type PlatformError, type Scope } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import type { LabError } from "@toehold/lab/LabError"
import * as RealPart from "@toehold/lab/RealPart"
import type { SerialError } from "@toehold/serial-runner/SerialError"
import type { SerialShell } from "@toehold/serial-runner/SerialShell"
import * as Consoles from "./support/consoles.ts"

type Shell = SerialShell["Service"]
type Services = Scope.Scope | FileSystem.FileSystem | Path.Path | ChildProcessSpawner.ChildProcessSpawner

const scoped = <A, E>(effect: Effect.Effect<A, E, Services>) =>
  effect.pipe(Effect.scoped, Effect.provide(NodeServices.layer))

const modes = ["text", "checked"] as const

const suite = (
  open: Effect.Effect<{ readonly shell: Shell }, LabError | PlatformError.PlatformError | SerialError, Services>
) => {
  const withShell = <A, E>(title: string, use: (shell: Shell) => Effect.Effect<A, E, Services>) =>
    it.live(title, () => scoped(Effect.flatMap(open, ({ shell }) => use(shell))))

  const cases: ReadonlyArray<readonly [title: string, script: string, exitCode: number, output: string]> = [
    ["a plain command", "echo hello", 0, "hello\n"],
    ["an exit code", "exit 7", 7, ""],
    ["no end of line", "printf abc", 0, "abc"],
    ["a comment at the end", "echo one # two", 0, "one\n"],
    ["several lines", "echo one\necho two", 0, "one\ntwo\n"],
    ["a heredoc", 'cat <<EOF\n$((1 + 1)) it\'s "quoted"\nEOF', 0, '2 it\'s "quoted"\n'],
    ["a background command", "sleep 0.01 & echo on", 0, "on\n"],
    ["a line that goes on", "echo one \\\ntwo", 0, "one two\n"],
    ["quotes of every kind", `echo "it's" 'a "b"' \\$HOME $(echo c) \`echo d\` !`, 0, `it's a "b" $HOME c d !\n`],
    ["letters of every kind", "printf '%s\\n' 'é€😀 ü'", 0, "é€😀 ü\n"],
    [
      "control characters in it",
      "printf '%s|' '\u0003\u0004\u0015\u001c\t\u007f'",
      0,
      "\u0003\u0004\u0015\u001c\t\u007f|"
    ],
    ["a login prompt in its output", "echo; printf 'login: '", 0, "\nlogin: "],
    ["its own trace", "set -x; echo 1 2>&1; set +x 2>/dev/null", 0, "1\n"],
    ["the terminal's name", "tty; true", 0, "not a tty\n"],
    ["an empty command", "", 0, ""]
  ]

  describe.each(modes)("in %s mode", (mode) => {
    withShell("runs whatever a shell takes, and the next one is not touched by it", (shell) =>
      Effect.gen(function* () {
        for (const [title, script, exitCode, output] of cases) {
          const result = yield* shell.run(script, { mode })
          const stdout = mode === "text" && title === "its own trace" ? "1\n" : result.stdout.text
          expect([title, result.exitCode, stdout]).toEqual([title, exitCode, output])
          expect(result.verified).toBe(mode === "checked")
        }
      })
    )

    withShell("refuses text that the shell can't parse, and runs nothing of it", (shell) =>
      Effect.gen(function* () {
        for (const script of ["echo 'one", "echo one\nif true; then", "echo $(", "}", "echo one; )"]) {
          const error = yield* Effect.flip(shell.run(script, { mode }))
          expect([script, error.reason._tag, error.outcome]).toEqual([script, "SyntaxError", "did-not-run"])
        }
        expect((yield* Effect.flip(shell.run("a\0b"))).reason._tag).toBe("InvalidArgument")
        expect((yield* shell.run("echo next", { mode })).stdout.text).toBe("next\n")
      })
    )

    withShell("takes a command of 100 kB", (shell) =>
      Effect.gen(function* () {
        const word = "0123456789abcdef'\\\n".repeat(5000)
        const result = yield* shell.run(`printf %s '${word.replaceAll("'", `'\\''`)}' | wc -c`, { mode })
        expect(Number(result.stdout.text)).toBe(word.length)
      })
    )

    withShell("kills what runs too long, keeps what it had printed, and goes on", (shell) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(
          shell.run("trap '' INT TERM; echo before; while :; do sleep 1; done", {
            mode,
            timeout: "700 millis",
            killGrace: "200 millis"
          })
        )
        expect(error.reason).toMatchObject({ _tag: "CommandTimeout", killed: true, outcome: "may-have-run" })
        if (error.reason._tag === "CommandTimeout") expect(error.reason.stdout.text).toBe("before\n")
        expect((yield* shell.run("echo after", { mode })).stdout.text).toBe("after\n")
      })
    )

    withShell("ends what is silent too long", (shell) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(shell.run("echo a; sleep 60", { mode, idleTimeout: "400 millis" }))
        expect(error.reason).toMatchObject({ _tag: "IdleTimeout", killed: true })
      })
    )

    withShell("starts every command clean", (shell) =>
      Effect.gen(function* () {
        const before = (yield* shell.run("pwd; env | sort", { mode })).stdout.text
        yield* shell.run("cd /; export STAYS=1; PATH=; umask 0; exec 2>&-", { mode })
        expect((yield* shell.run("pwd; env | sort", { mode })).stdout.text).toBe(before)
        expect((yield* shell.run("pwd", { mode, cwd: "/usr" })).stdout.text).toBe("/usr\n")
        expect((yield* Effect.flip(shell.run("pwd", { mode, cwd: "/no where" }))).reason._tag).toBe("InvalidArgument")
      })
    )

    withShell("keeps the beginning and the end of a long output", (shell) =>
      Effect.gen(function* () {
        const result = yield* shell.run("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done", {
          mode,
          maxOutput: 1000
        })
        expect(result.stdout.head.length).toBe(500)
        expect(Buffer.from(result.stdout.tail).toString().endsWith("line 19999\n")).toBe(true)
        expect(result.stdout.totalBytes).toBe(
          Array.from({ length: 20_000 }, (_, i) => `line ${i}\n`.length).reduce((a, b) => a + b)
        )
      })
    )
  })

  withShell("keeps stdout and stderr apart", (shell) =>
    Effect.gen(function* () {
      const result = yield* shell.run("echo out; echo err >&2; exit 3")
      expect([result.stdout.text, result.stderr.text, result.exitCode]).toEqual(["out\n", "err\n", 3])
    })
  )

  withShell("brings every byte over, in pieces with a checksum", (shell) =>
    Effect.gen(function* () {
      const script =
        'i=0; while [ $i -lt 256 ]; do printf "\\\\$(printf %o $i)"; i=$((i+1)); done >all; for i in 1 2 3 4 5 6 7 8; do cat all all >two; cat two two >all; done; cat all; rm -f all two'
      const result = yield* shell.run(`cd "\${TMPDIR:-/tmp}"; ${script}`)
      expect(result.stdout.totalBytes).toBe(256 * 4 ** 8)
      const bytes = result.stdout.bytes
      expect(bytes.every((byte, at) => byte === at % 256)).toBe(true)
    })
  )

  withShell("leaves the terminal as it was", (shell) =>
    Effect.gen(function* () {
      yield* shell.run("echo one")
      yield* Effect.sleep("1500 millis")
      yield* shell.run("echo two")
    })
  )
}

describe.each(["dash", "bash", "ash"] as const)("%s on a terminal", (shell) => {
  RealPart.describeWith(["script", shell === "ash" ? "busybox" : shell], "of this computer", () => {
    suite(Consoles.pty({ shell }))
  })
})

describe.each([
  ["debian", 1000],
  ["busybox", 0]
] as const)("%s", (system, uid) => {
  RealPart.describeWith(RealPart.guestParts, "in a guest", () => {
    it.live(
      "runs commands over its console, text and checked",
      () =>
        scoped(
          Effect.gen(function* () {
            const { shell } = yield* Consoles.guest({ system })
            const identity = yield* shell.identity
            expect(identity.uid).toBe(uid)
            expect(identity.bootId).toMatch(/^[0-9a-f-]{36}$/)
            expect((yield* shell.run("echo one; echo 'two", { mode: "text" }).pipe(Effect.flip)).reason._tag).toBe(
              "SyntaxError"
            )
            expect((yield* shell.run("seq 1 500", { mode: "text" })).stdout.text.split("\n").length).toBe(501)
            const checked = yield* shell.run("cat /bin/busybox | head -c 200000; echo no >&2; exit 3")
            expect([checked.exitCode, checked.stdout.totalBytes, checked.stderr.text]).toEqual([3, 200_000, "no\n"])
          })
        ),
      600_000
    )
  })
})
