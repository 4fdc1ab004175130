import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Fs from "node:fs"
import * as Leaks from "@toehold/lab/Leaks"
import { OpenSshServer } from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import { machineOf, sshd, withKey } from "./support/lab.ts"
import { type Options, toehold, toeholdJson } from "./support/program.ts"

/** Names for one server, each an alias of its own in a configuration file; one leads nowhere. */
const fleet = Effect.fnUntraced(function* (count: number) {
  const server = yield* OpenSshServer
  const names = Array.from({ length: count }, (_, index) => `web${index}`)
  const host = (name: string, port: number) =>
    `Host ${name}\n  HostName ${server.host}\n  Port ${port}\n  User ${server.user}\n  HostKeyAlias ${name}`
  const config = `${server.tempDir}/fleet`
  Fs.writeFileSync(config, [...names.map((name) => host(name, server.port)), host("nowhere", 1), ""].join("\n"))
  const login = ["-F", config, "-i", server.privateKeyPath, "--host-key", "off"]
  return { names, login, server }
})

interface Document {
  readonly machine: string
  readonly exitCode?: number
  readonly stdout?: string
  readonly error?: { readonly reason: string; readonly outcome: string }
}

const documents = (words: ReadonlyArray<string>, options?: Options) =>
  toeholdJson<{ readonly results: ReadonlyArray<Document> }>(["exec", ...words], options)

const lines = (text: string) => text.split("\n").filter((line) => line !== "")

/** A document without what differs from machine to machine and from run to run. */
const without = (json: Record<string, unknown> | undefined) => ({ ...json, machine: "", durationMs: 0 })

describeWith(["sshd"], "toehold exec on many machines", () => {
  it.layer(sshd, { excludeTestServices: true })((it) => {
    it.effect("prints one document with the machines in the order in which they were named", () =>
      Effect.gen(function* () {
        const { login, names, server } = yield* fleet(5)
        const list = [...names.slice(0, 3), "nowhere", "local:", ...names.slice(3)]
        const command = ["sh", "-c", 'echo "$SSH_CONNECTION" | wc -w; exit 3']
        const { exitCode, json, stderr } = yield* documents([
          list.join(","),
          ...login,
          "--parallel=2",
          "--json",
          "--",
          ...command
        ])
        assert.deepStrictEqual(
          json.results.map(({ machine }) => machine),
          list
        )
        for (const { error, exitCode, machine, stdout } of json.results) {
          if (machine === "nowhere") {
            assert.deepInclude(error, { reason: "ConnectionRefused", outcome: "did-not-run" })
          } else {
            assert.deepStrictEqual([exitCode, stdout?.trim()], [3, machine === "local:" ? "0" : "4"])
          }
        }
        // What could not be reached counts most.
        assert.deepStrictEqual([exitCode, stderr], [255, ""])
        assert.isAtLeast(yield* server.connectionCount, 5)
      })
    )

    it.effect("puts the machine's name before each line, and says on stderr which command failed", () =>
      Effect.gen(function* () {
        const { login, names } = yield* fleet(3)
        const ran = yield* toehold([
          "exec",
          names.join(","),
          ...login,
          "--shell",
          "printf 'one\\ntwo'; echo err >&2; exit 4"
        ])
        assert.deepStrictEqual(
          lines(ran.stdout).toSorted(),
          [...names.map((name) => `${name}: one`), ...names.map((name) => `${name}: two`)].toSorted()
        )
        assert.deepStrictEqual(
          lines(ran.stderr).toSorted(),
          [
            ...names.map((name) => `${name}: err`),
            ...names.map((name) => `toehold: ${name}: the command exited with 4.`)
          ].toSorted()
        )
        assert.strictEqual(ran.exitCode, 4)
      })
    )

    it.effect("prints events that name their machine, as they come", () =>
      Effect.gen(function* () {
        const { login, names } = yield* fleet(2)
        const { exitCode, stdout } = yield* toehold([
          "exec",
          [...names, "nowhere"].join(","),
          ...login,
          "--ndjson",
          "--",
          "echo",
          "hi"
        ])
        const events = stdout
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line) as { readonly event: string; readonly machine: string })
        for (const name of names) {
          const own = events.filter(({ machine }) => machine === name)
          assert.deepStrictEqual(
            own.map(({ event }) => event),
            ["stdout", "exit"]
          )
        }
        assert.deepStrictEqual(
          events.filter(({ machine }) => machine === "nowhere").map(({ event }) => event),
          ["error"]
        )
        assert.strictEqual(exitCode, 255)
      })
    )

    it.effect("stops everything at the first failure with --fail-fast, and says what became of each", () =>
      Effect.gen(function* () {
        const { login, names, server } = yield* fleet(4)
        const marker = Leaks.marker()
        const first = `${server.tempDir}/${marker}`
        // The first to come waits for another one, and fails then.
        const script = `if mkdir ${first} 2>/dev/null; then sleep 0.7; exit 9; else sleep 600; fi; : ${marker}`
        const { exitCode, json } = yield* documents([
          names.join(","),
          ...login,
          "--json",
          "--parallel",
          "2",
          "--fail-fast",
          "--shell",
          script
        ])
        const count = (reason: string) => json.results.filter(({ error }) => error?.reason === reason)
        assert.strictEqual(json.results.filter((result) => result.exitCode === 9).length, 1)
        assert.deepStrictEqual(
          count("Stopped").map(({ error }) => error?.outcome),
          ["may-have-run"]
        )
        assert.deepStrictEqual(
          count("NotStarted").map(({ error }) => error?.outcome),
          ["did-not-run", "did-not-run"]
        )
        assert.strictEqual(exitCode, 9)
        yield* Leaks.awaitProcesses(marker, 0)
      })
    )

    it.effect("gives every machine the same input, from a file and from standard input", () =>
      Effect.gen(function* () {
        const { login, names, server } = yield* fleet(3)
        const file = `${server.tempDir}/input`
        Fs.writeFileSync(file, "from a file\n")
        const read = (from: string) =>
          documents([names.join(","), ...login, "--json", "--stdin", from, "--", "cat"], {
            stdin: new TextEncoder().encode("from stdin\n")
          })
        for (const [from, text] of [
          [file, "from a file\n"],
          ["-", "from stdin\n"]
        ] as const) {
          const { json } = yield* read(from)
          assert.deepStrictEqual(
            json.results.map(({ stdout }) => stdout),
            names.map(() => text)
          )
        }
      })
    )

    it.effect("runs on this machine itself as on any other", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer
        const words = (machine: string, ...flags: ReadonlyArray<string>) => [
          "exec",
          machine,
          ...withKey(server),
          "--json",
          "--cwd=/",
          "--env=A=b c",
          ...flags
        ]
        const shell = ["--shell", 'pwd; echo "$A" >&2; exit 5']
        const [here, there] = yield* Effect.forEach(["local:", machineOf(server)], (machine) =>
          toeholdJson<Record<string, unknown>>(words(machine, ...shell))
        )
        assert.deepStrictEqual(without(here?.json), without(there?.json))
        assert.deepStrictEqual([here?.exitCode, there?.exitCode], [5, 5])

        const marker = Leaks.marker()
        const late = yield* toeholdJson<Document>(
          words("local:", "--timeout", "1500ms", "--shell", `echo begun; sleep 600; : ${marker}`)
        )
        assert.deepInclude(late.json.error, { reason: "CommandTimeout" })
        assert.deepStrictEqual([late.exitCode, late.json.stdout], [124, "begun\n"])
        yield* Leaks.awaitProcesses(marker, 0)
        const quiet = yield* toeholdJson<Document>(words("local:", "--idle-timeout", "300ms", "--", "sleep", "600"))
        assert.deepInclude(quiet.json.error, { reason: "IdleTimeout" })
        const signalled = yield* toeholdJson<object>(words("local:", "--shell", "kill -USR1 $$"))
        assert.deepInclude(signalled.json, { exitCode: null, signal: "SIGUSR1" })
        assert.strictEqual((yield* toehold(["exec", "local:", "--", "no-such-program"])).exitCode, 127)
      })
    )
  })
})
