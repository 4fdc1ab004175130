import { assert, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { OpenSshServer } from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import { machineOf, sshd, withKey } from "./support/lab.ts"
import { type Options, toehold } from "./support/program.ts"

const exec = (flags: ReadonlyArray<string>, text: string, options?: Options) =>
  OpenSshServer.use((server) =>
    toehold(["exec", machineOf(server), ...withKey(server), ...flags, "--shell", text], options)
  )

const asks = 'printf "Do you want to continue? [Y/n] "; read x || { echo Abort.; exit 1; }; echo "<$x>"'
const prompt = { kind: "confirmation", text: "Do you want to continue? [Y/n]" }

describeWith(["sshd", "root"], "a question of a command that exec runs", () => {
  it.layer(sshd, { excludeTestServices: true })((it) => {
    it.effect("in a terminal ends it, with partial output and what to do", () =>
      Effect.gen(function* () {
        const ran = yield* exec(["--pty", "--json", "--prompt-timeout", "200ms"], asks)
        const { error, stdout } = JSON.parse(ran.stdout)
        assert.deepStrictEqual([ran.exitCode, stdout], [124, "Do you want to continue? [Y/n] "])
        assert.deepInclude(error, { reason: "PromptDetected", outcome: "may-have-run", isRetryable: false })
        assert.deepInclude(error.details, { kind: prompt.kind, prompt: prompt.text, killed: true })
        assert.include(error.fix, "-y")
        assert.include(error.fix, "toehold interact")
        const text = yield* exec(["--pty", "--prompt-timeout", "200ms"], asks)
        assert.deepStrictEqual([text.exitCode, text.stdout], [124, "Do you want to continue? [Y/n] "])
        assert.include(text.stderr, "waited for an answer")
      })
    )

    it.effect("ends it where the standard input stays open and silent, unless a person sits there", () =>
      Effect.gen(function* () {
        const open = { stdin: new Uint8Array(0), stdinStaysOpen: true }
        const ran = yield* exec(["--stdin", "-", "--prompt-timeout", "200ms"], asks, open)
        assert.deepStrictEqual([ran.exitCode, ran.stdout], [124, "Do you want to continue? [Y/n] "])
        const keyboard = { raw: Effect.void, keys: Stream.empty }
        for (const [flags, options] of [
          [["--stdin", "-"], { ...open, keyboard }],
          [["--pty", "--prompt-timeout", "none"], {}]
        ] as const) {
          const waited = yield* exec([...flags, "--timeout", "2500ms"], asks, options)
          assert.include(waited.stderr, "did not end within 2500 ms")
        }
      })
    )

    it.effect("is answered by what --stdin gives", () =>
      Effect.gen(function* () {
        const ran = yield* exec(["--stdin", "-"], asks, { stdin: Buffer.from("y\n") })
        assert.deepStrictEqual([ran.exitCode, ran.stdout], [0, "Do you want to continue? [Y/n] <y>\n"])
      })
    )

    it.effect("is named where the command failed for want of an answer", () =>
      Effect.gen(function* () {
        const json = JSON.parse((yield* exec(["--json"], asks)).stdout)
        assert.deepInclude(json, {
          exitCode: 1,
          outcome: "finished",
          stdout: "Do you want to continue? [Y/n] Abort.\n"
        })
        assert.deepInclude(json.prompt, { kind: "confirmation", text: "Do you want to continue? [Y/n] Abort." })
        const events = (yield* exec(["--ndjson"], asks)).stdout.trimEnd().split("\n")
        assert.deepInclude(JSON.parse(events.at(-1) ?? ""), { event: "exit", exitCode: 1, prompt: json.prompt })
        const text = yield* exec([], asks)
        assert.match(text.stderr, /^toehold: the command failed for want of an answer: .*\[Y\/n\] Abort\.\n.*-y/m)
        assert.notProperty(JSON.parse((yield* exec(["--json"], "echo 'a? [Y/n]'; exit 0")).stdout), "prompt")
      })
    )

    it.effect("runs as root with --sudo, and names a password that is not there", () =>
      Effect.gen(function* () {
        assert.strictEqual((yield* exec(["--sudo"], "id -u")).stdout, "0\n")
        const missing = yield* exec(["--sudo-password-env", "NO_SUCH"], "id")
        assert.strictEqual(missing.exitCode, 64)
        assert.include(missing.stderr, "--sudo-password-env NO_SUCH")
        assert.strictEqual((yield* exec(["--sudo", "--pty"], "id")).exitCode, 64)
      })
    )
  })
})
