import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Fs from "node:fs"
import { OpenSshServer } from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import { machineOf, sshd, withKey } from "./support/lab.ts"
import { type Options, toehold, toeholdJson } from "./support/program.ts"

const secrets: Options = { platform: { env: { DB_PASSWORD: "hidden words" } } }

const words = (flags: ReadonlyArray<string>, text: string) =>
  OpenSshServer.use((server) =>
    Effect.succeed(["interact", machineOf(server), ...withKey(server), ...flags, "--shell", text])
  )
const interact = (flags: ReadonlyArray<string>, text: string, options?: Options) =>
  Effect.flatMap(words(flags, text), (words) => toehold(words, options))
const interactJson = <A>(flags: ReadonlyArray<string>, text: string, options?: Options) =>
  Effect.flatMap(words(["--json", ...flags], text), (words) => toeholdJson<A>(words, options))

const asks =
  'printf "Name: "; read n; stty -echo; printf "\\nPassword: "; read p; stty echo; echo; echo "<$n:${#p}>"; exit 3'

interface Document {
  readonly exitCode: number
  readonly stdout: string
  readonly steps: ReadonlyArray<object>
  readonly outcome: string
  readonly error: {
    readonly reason: string
    readonly message: string
    readonly outcome: string
    readonly details: object
  }
}

describeWith(["sshd", "root"], "toehold interact", () => {
  it.layer(sshd, { excludeTestServices: true })((it) => {
    it.effect("answers by pairs of flags, in their order, and passes on what was shown and the exit code", () =>
      Effect.gen(function* () {
        const flags = [
          "--expect",
          "Name:",
          "--send",
          "Ada",
          "--expect-pattern",
          "^Pass\\w+:",
          "--send-env",
          "DB_PASSWORD"
        ]
        const ran = yield* interact(flags, asks, secrets)
        assert.deepStrictEqual(ran, { exitCode: 3, stdout: "Name: \r\nPassword: \r\n<Ada:12>\r\n", stderr: "" })
      })
    )

    it.effect("takes a script, from a file and from standard input", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer
        const steps = [
          { expect: "Overwrite?", send: "y", optional: true, timeout: "2s" },
          { expect: "Name:", send: "Ada" },
          { pattern: "^Password:", sendEnv: "DB_PASSWORD" },
          { expect: ">" }
        ]
        const script = JSON.stringify(steps)
        const path = `${server.tempDir}/steps.json`
        yield* Effect.sync(() => Fs.writeFileSync(path, script))
        for (const [file, options] of [
          [path, secrets],
          ["-", { ...secrets, stdin: Buffer.from(script) }]
        ] as const) {
          const { exitCode, json } = yield* interactJson<Document>(["--script", file], asks, options)
          assert.strictEqual(exitCode, 3)
          assert.deepInclude(json, { exitCode: 3, outcome: "finished", stdout: "Name: \r\nPassword: \r\n<Ada:12>\r\n" })
          assert.deepStrictEqual(json.steps, [
            { expect: "Overwrite?", matches: 0 },
            { expect: "Name:", matches: 1 },
            { expect: "/^Password:/m", matches: 1 },
            { expect: ">", matches: 1 }
          ])
        }
      })
    )

    it.effect("says which step failed, with what was shown until then", () =>
      Effect.gen(function* () {
        const flags = ["--expect", "Name:", "--send", "Ada", "--expect", "Done", "--step-timeout", "300ms"]
        const late = yield* interactJson<Document>(flags, 'printf "Name: "; read n; echo "hello $n"; sleep 60')
        assert.deepStrictEqual(
          [late.exitCode, late.json.error.reason, late.json.stdout],
          [124, "ExpectTimeout", "Name: hello Ada\r\n"]
        )
        assert.deepInclude(late.json.error.details, { step: 1, steps: 2, expected: '"Done"' })
        const ended = yield* interact(flags, 'printf "Name: "; read n; echo "hello $n"')
        assert.deepStrictEqual([ended.exitCode, ended.stdout], [255, "Name: hello Ada\r\n"])
        assert.include(ended.stderr, "step 2 of 2")
      })
    )

    it.effect("reports a question that no step answers", () =>
      Effect.gen(function* () {
        const flags = ["--expect", "Name:", "--send", "Ada", "--expect", "Done", "--prompt-timeout", "200ms"]
        const { exitCode, json } = yield* interactJson<Document>(
          flags,
          'printf "Name: "; read n; printf "Delete all? [y/N] "; read x'
        )
        assert.deepStrictEqual([exitCode, json.error.reason], [124, "PromptDetected"])
        assert.deepInclude(json.error.details, { kind: "confirmation", prompt: "Delete all? [y/N]" })
      })
    )
  })
})

describe("toehold interact with a wrong command line", () => {
  const wrong: Readonly<Record<string, ReadonlyArray<string>>> = {
    "There is no step": ["--", "true"],
    "There is no command": ["--expect", "a"],
    "given twice": ["--expect", "a", "--script", "-", "--", "true"],
    DB_MISSING: ["--expect", "a", "--send-env", "DB_MISSING", "--", "true"],
    "Step 1, pattern": ["--expect-pattern", "(", "--", "true"]
  }
  for (const [message, flags] of Object.entries(wrong)) {
    it.effect(`says: ${message}`, () =>
      Effect.gen(function* () {
        const ran = yield* toehold(["interact", "127.0.0.1:1", "-F", "none", ...flags], { stdin: Buffer.from("[]") })
        assert.deepStrictEqual([ran.exitCode, ran.stdout], [64, ""])
        assert.include(ran.stderr, message)
      })
    )
  }

  const scripts = [
    "{}",
    "[",
    '[{"expect":1}]',
    '[{"expects":"a"}]',
    '[{"timeout":"3"}]',
    '[{"expect":"a","pattern":"b"}]'
  ]
  for (const script of scripts) {
    it.effect(`refuses the script ${script}`, () =>
      Effect.gen(function* () {
        const words = ["interact", "127.0.0.1:1", "-F", "none", "--script", "-", "--", "true"]
        const ran = yield* toehold(words, { stdin: Buffer.from(script) })
        assert.strictEqual(ran.exitCode, 64, ran.stderr)
        assert.notInclude(ran.stderr, "refused the connection")
      })
    )
  }
})
