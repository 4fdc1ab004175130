import * as NodeServices from "@effect/platform-node/NodeServices"
import { describe, expect, it } from "@effect/vitest"
import { Effect, type FileSystem, type Path, type Scope } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import * as Crypto from "node:crypto"
import * as Fs from "node:fs"
import type * as PtyShell from "@toehold/lab/PtyShell"
import * as RealPart from "@toehold/lab/RealPart"
import * as Consoles from "./support/consoles.ts"

type Services = Scope.Scope | FileSystem.FileSystem | Path.Path | ChildProcessSpawner.ChildProcessSpawner

const live = <A, E>(title: string, test: () => Effect.Effect<A, E, Services>) =>
  it.live(title, () => test().pipe(Effect.scoped, Effect.provide(NodeServices.layer)), 60_000)

const opened = (options: PtyShell.Options) => Consoles.pty(options, { readyTimeout: "50 seconds" })

const modes = ["checked", "text"] as const

/** Prompts that a shell's own configuration may show, and what the terminal is asked for with them. */
const prompts: ReadonlyArray<readonly [title: string, env: Readonly<Record<string, string>>]> = [
  [
    "with colours and a title",
    { PS1: "\u001b]0;agent@vm: ~\u0007\u001b[01;32magent@vm\u001b[00m:\u001b[01;34m~\u001b[00m$ " }
  ],
  ["of two lines", { PS1: "agent\n$ " }],
  ["that no one knows", { PS1: "\u03bb " }],
  ["that is none", { PS1: "" }],
  ["that looks like an answer", { PS1: "@0123456789abcdef 3 h|h\n# " }],
  ["with a program that prints before it", { PS1: "$ ", PROMPT_COMMAND: "echo from the prompt" }]
]

describe.concurrent.each(["dash", "bash", "ash"] as const)("%s", (name) => {
  RealPart.describeWith(["script", name === "ash" ? "busybox" : name], "of this computer", () => {
    live("keeps letters whole that a line cuts anywhere", () =>
      Effect.gen(function* () {
        for (const chunkBytes of [1, 2, 3, 5]) {
          yield* Effect.scoped(
            Effect.gen(function* () {
              const { shell } = yield* opened({ shell: name, chunkBytes })
              const text = "\u00e9\u20ac\u{1f600} \u00fc@\n".repeat(20)
              for (const mode of modes) {
                const { exitCode, stdout } = yield* shell.run(`cat <<'EOF'\n${text}EOF\nexit 143`, { mode })
                expect([exitCode, stdout.text]).toEqual([143, text])
              }
            })
          )
        }
      })
    )

    live("takes commands of every length at which a line could end", () =>
      Effect.gen(function* () {
        const { pty, shell } = yield* opened({ shell: name })
        // 1023 is what BusyBox takes, 4095 what a terminal does; requests are longer than their command.
        const around = [1023, 2047, 3199, 3799, 4095, 8191].flatMap((limit) =>
          [-60, -1, 0, 1, 60].map((by) => limit + by)
        )
        for (const [at, length] of around.entries()) {
          const word = Crypto.createHash("sha256").update(String(length)).digest("hex")
          const padding = `'${word.repeat(Math.ceil(length / word.length))}`.slice(0, length - 1 - "echo ".length)
          const command = `echo ${padding}'`
          expect(command.length).toBe(length)
          const { stdout } = yield* shell.run(command, { mode: modes[at % 2] ?? "text" })
          expect([length, stdout.text]).toEqual([length, `${padding.slice(1)}\n`])
        }
        expect(Fs.readdirSync(pty.homeDir)).toEqual([])
      })
    )

    live("is no other on a terminal of any width", () =>
      Effect.gen(function* () {
        const one = Effect.fnUntraced(function* (columns: number) {
          const { shell } = yield* opened({ shell: name, columns })
          for (const mode of modes) {
            const { stdout } = yield* shell.run(`echo ${"wide ".repeat(60)}`, { mode })
            expect([columns, stdout.text]).toEqual([columns, `${"wide ".repeat(60).trim()}\n`])
          }
        }, Effect.scoped)
        yield* Effect.forEach([2, 9, 40, 79, 81, 500], one, { concurrency: 3, discard: true })
      })
    )

    live("is found whatever its prompt is", () =>
      Effect.gen(function* () {
        const one = Effect.fnUntraced(function* ([title, env]: (typeof prompts)[number]) {
          const { shell } = yield* opened({ shell: name, env })
          for (const mode of modes) {
            const { exitCode, stdout } = yield* shell.run("echo one; (exit 7)", { mode })
            expect([title, exitCode, stdout.text]).toEqual([title, 7, "one\n"])
          }
        }, Effect.scoped)
        yield* Effect.forEach(prompts, one, { concurrency: 3, discard: true })
      })
    )
  })
})
