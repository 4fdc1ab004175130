import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import * as Crypto from "node:crypto"
import * as Fs from "node:fs"
import * as PtyShell from "@toehold/lab/PtyShell"
import { describeWith } from "@toehold/lab/RealPart"
import type { FailureDocument } from "../src/FailureDocument.ts"
import { person } from "./support/person.ts"
import { toehold, toeholdJson } from "./support/program.ts"

const withConsole = <A, E>(
  use: (
    console: PtyShell.PtyShell & {
      readonly port: ReadonlyArray<string>
      /** What somebody prints on it, after the program has opened it. */
      readonly printsLater: (text: string) => Effect.Effect<void>
    }
  ) => Effect.Effect<A, E>
) =>
  PtyShell.make({ shell: "bash" }).pipe(
    Effect.flatMap((pty) => {
      const printsLater = (text: string) =>
        Effect.forEach(
          [1, 2, 3],
          () =>
            Effect.andThen(
              Effect.sleep("300 millis"),
              Effect.sync(() => pty.print(text))
            ),
          {
            discard: true
          }
        )
      return use({ ...pty, port: ["--fifo", `${pty.input},${pty.output}`], printsLater })
    }),
    Effect.scoped,
    Effect.provide(NodeServices.layer)
  )

const limit = 60_000

interface Checked extends Partial<FailureDocument> {
  readonly stages: ReadonlyArray<{ readonly name: string; readonly ok: boolean }>
  readonly fix: string
}

describeWith(["script", "bash"], "toehold serial", () => {
  it.live(
    "runs commands and moves files by the port's flags",
    () =>
      withConsole(({ homeDir, port }) =>
        Effect.gen(function* () {
          const ran = yield* toehold(["serial", "exec", ...port, "--cwd", homeDir, "--", "sh", "-c", "pwd; exit 3"])
          assert.deepStrictEqual(ran, { exitCode: 3, stdout: `${homeDir}\n`, stderr: "" })
          const data = Crypto.randomBytes(70_000)
          Fs.writeFileSync(`${homeDir}/here`, data)
          const put = yield* toehold(["serial", "put", `${homeDir}/here`, `${homeDir}/there`, ...port])
          assert.strictEqual(put.exitCode, 0, put.stderr)
          const got = yield* toehold(["serial", "get", ...port, `${homeDir}/there`, `${homeDir}/back`])
          assert.strictEqual(got.exitCode, 0, got.stderr)
          assert.isTrue(data.equals(Fs.readFileSync(`${homeDir}/back`)))
        })
      ),
    limit
  )

  it.live(
    "wants one port, and says which there are",
    () =>
      Effect.gen(function* () {
        for (const words of [[], ["--unix", "/a", "--tty", "/b"]]) {
          const { exitCode, json } = yield* toeholdJson<FailureDocument>(["serial", "state", ...words, "--json"])
          assert.deepStrictEqual([exitCode, json.error.reason], [64, "InvalidArgument"])
          assert.include(json.error.fix, "--bonfire DIR/VMID")
        }
        const missing = yield* toeholdJson<FailureDocument>(["serial", "state", "--unix", "/nowhere", "--json"])
        assert.deepStrictEqual([missing.exitCode, missing.json.error.reason], [69, "PortMissing"])
      }).pipe(Effect.provide(NodeServices.layer)),
    limit
  )

  it.live(
    "says who is at the other end",
    () =>
      withConsole(({ port, press, printsLater }) =>
        Effect.gen(function* () {
          const uid = process.getuid?.()
          const there = yield* toeholdJson<Record<string, unknown>>(["serial", "state", ...port, "--json"])
          assert.strictEqual(there.exitCode, 0)
          assert.deepInclude(there.json, { state: "shell", uid })
          // A program that asks for a name and shows what it is given.
          yield* Effect.sync(() => press("clear; exec cat\n"))
          const asked = yield* Effect.forkChild(printsLater("\r\nvm-7 login: "))
          const login = yield* toeholdJson<Record<string, unknown>>([
            "serial",
            "state",
            ...port,
            "--timeout",
            "3s",
            "--json"
          ])
          yield* Fiber.join(asked)
          assert.deepInclude(login.json, { state: "login" })
          assert.include(String(login.json["fix"]), "autologin")
          assert.strictEqual(login.exitCode, 1)
        })
      ),
    limit
  )

  it.live(
    "is looked at stage by stage",
    () =>
      withConsole(({ input, output }) =>
        Effect.gen(function* () {
          const machine = `serial:fifo:${input},${output}`
          const well = yield* toeholdJson<Checked>(["doctor", machine, "--json"])
          assert.deepStrictEqual([well.exitCode, well.json.fix], [0, ""])
          const stages = well.json.stages.map(({ name, ok }) => [name, ok])
          assert.deepStrictEqual(stages, [
            ["port", true],
            ["shell", true],
            ["command", true]
          ])
          const missing = yield* toeholdJson<Checked>(["doctor", "serial:unix:/nowhere", "--json"])
          assert.deepStrictEqual([missing.exitCode, missing.json.error?.reason], [69, "PortMissing"])
        })
      ),
    limit
  )

  it.live(
    "prints what the machine prints, or its kernel alone",
    () =>
      withConsole(({ port, printsLater }) =>
        Effect.gen(function* () {
          const printing = yield* Effect.forkChild(printsLater("some text\r\n[    1.701005] eth0: up\r\n"))
          const all = yield* toehold(["serial", "log", ...port, "--for", "1500ms"])
          yield* Fiber.join(printing)
          assert.include(all.stdout, "some text\r\n[    1.701005] eth0: up\r\n")
          const again = yield* Effect.forkChild(printsLater("more text\r\n[    2.000001] eth0: down\r\n"))
          const kernel = yield* toehold(["serial", "log", ...port, "--for", "1500ms", "--kernel", "--json"])
          yield* Fiber.join(again)
          const lines = kernel.stdout.trim().split("\n")
          assert.isAtLeast(lines.length, 1)
          for (const line of lines) assert.strictEqual(line, '{"seconds":2.000001,"message":"eth0: down"}')
        })
      ),
    limit
  )

  it.live(
    "is a terminal for several people at once, who type in turn, with the size of the first one's",
    () =>
      withConsole(({ port }) =>
        Effect.gen(function* () {
          const [one, other, third] = yield* Effect.all([person, person, person])
          const first = yield* Effect.forkChild(toehold(["serial", "attach", ...port], one.options))
          yield* one.types("\r")
          yield* one.sees(/stty rows 25 cols 80/)
          yield* one.types("echo $((6*7)) `stty size`\r")
          yield* one.sees(/42 25 80/)
          const second = yield* Effect.forkChild(toehold(["serial", "attach", ...port], other.options))
          // It is shown what was printed before it came.
          yield* other.sees(/42 25 80/)
          const onlooker = yield* Effect.forkChild(toehold(["serial", "attach", "--read-only", ...port], third.options))
          yield* third.sees(/42 25 80/)
          yield* third.types("echo never\r")
          yield* other.types("echo $((7*7))\r")
          for (const { sees } of [one, other, third]) yield* sees(/49/)
          yield* one.resizes(132, 43)
          yield* other.sees(/stty rows 43 cols 132/)
          yield* other.types("~.")
          const left = yield* Fiber.join(second)
          assert.deepStrictEqual([left.exitCode, other.modes], [0, ["raw", "as before"]])
          assert.notInclude(left.stdout, "never")
          yield* one.types("exit\r")
          const ended = yield* Effect.all([Fiber.join(first), Fiber.join(onlooker)])
          assert.deepStrictEqual(
            ended.map(({ exitCode }) => exitCode),
            [255, 255]
          )
        })
      ),
    limit
  )
})
