import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Crypto from "node:crypto"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as PtyShell from "@toehold/lab/PtyShell"
import { describeWith } from "@toehold/lab/RealPart"
import * as ExitCode from "../src/ExitCode.ts"
import type { FailureDocument } from "../src/FailureDocument.ts"
import { toehold, toeholdJson } from "./support/program.ts"

const console = Effect.map(PtyShell.make({ shell: "bash" }), (pty) => ({
  ...pty,
  name: `serial:fifo:${pty.input},${pty.output}`
}))

const withConsole = <A, E>(use: (pty: Effect.Success<typeof console>) => Effect.Effect<A, E>) =>
  Effect.flatMap(console, use).pipe(Effect.scoped, Effect.provide(NodeServices.layer))

const limit = 60_000

describeWith(["script", "bash"], "a machine on a serial console", () => {
  it.live(
    "runs commands as any machine does",
    () =>
      withConsole(({ homeDir, name }) =>
        Effect.gen(function* () {
          const failed = yield* toehold(["exec", name, "--", "sh", "-c", "echo out; echo err >&2; exit 7"])
          assert.deepStrictEqual(failed, { exitCode: 7, stdout: "out\n", stderr: "err\n" })
          const words = ["exec", name, "--json", "--cwd", homeDir, "--env", "A=b c", "--stdin", "-"]
          const { exitCode, json } = yield* toeholdJson<Record<string, unknown>>(
            [...words, "--max-output", "8", "--shell", 'cat; pwd >&2; echo "$A" >&2; seq 1 1000'],
            { stdin: new TextEncoder().encode("in\n") }
          )
          assert.strictEqual(exitCode, 0)
          assert.deepInclude(json, { machine: name, exitCode: 0, signal: null, truncated: true, outcome: "finished" })
          assert.strictEqual(json["stdoutBytes"], 3 + 3893)
          const killed = yield* toeholdJson<Record<string, unknown>>([
            "exec",
            name,
            "--json",
            "--shell",
            "kill -TERM $$"
          ])
          assert.deepInclude(killed.json, { exitCode: null, signal: "SIGTERM" })
          assert.strictEqual(killed.exitCode, 143)
        })
      ),
    limit
  )

  it.live(
    "kills what runs too long, and says what it had printed",
    () =>
      withConsole(({ homeDir, name }) =>
        Effect.gen(function* () {
          const script = `echo $$ >${homeDir}/pid; echo before; sleep 600 & sleep 600`
          const { exitCode, json } = yield* toeholdJson<FailureDocument>([
            "exec",
            name,
            "--json",
            "--timeout",
            "1s",
            "--shell",
            script
          ])
          assert.strictEqual(exitCode, ExitCode.timeout)
          assert.deepInclude(json.error, { reason: "CommandTimeout", outcome: "may-have-run" })
          assert.strictEqual(json.stdout, "before\n")
          const pid = Fs.readFileSync(Path.join(homeDir, "pid"), "utf8").trim()
          // What was killed is there until its parent has looked at it.
          const gone = `for i in 1 2 3 4 5 6 7 8 9; do kill -0 -${pid} || exit 1; sleep 0.5; done`
          const left = yield* toehold(["exec", name, "--shell", gone])
          assert.strictEqual(left.exitCode, 1)
        })
      ),
    limit
  )

  it.live(
    "takes and gives files and folders, byte for byte",
    () =>
      withConsole(({ homeDir, name }) =>
        Effect.gen(function* () {
          const here = Fs.mkdtempSync(Path.join(Path.dirname(homeDir), "here-"))
          const bytes = Buffer.concat([
            Buffer.from(Uint8Array.from({ length: 256 }, (_, i) => i)),
            Crypto.randomBytes(150_000)
          ])
          Fs.writeFileSync(Path.join(here, "all"), bytes)
          const put = yield* toeholdJson<Record<string, unknown>>([
            "put",
            `${here}/all`,
            `${name}:there`,
            "--verify",
            "--json"
          ])
          assert.deepInclude(put.json, {
            files: 1,
            bytes: bytes.length,
            sha256: Crypto.createHash("sha256").update(bytes).digest("hex")
          })
          assert.isTrue(Fs.readFileSync(Path.join(homeDir, "there")).equals(bytes))
          const got = yield* toehold(["get", `${name}:there`, `${here}/back`])
          assert.strictEqual(got.exitCode, 0, got.stderr)
          assert.isTrue(Fs.readFileSync(Path.join(here, "back")).equals(bytes))
          Fs.mkdirSync(Path.join(here, "tree/sub"), { recursive: true })
          Fs.writeFileSync(Path.join(here, "tree/sub/b"), "b")
          const synced = yield* toehold(["sync", `${here}/tree/`, `${name}:tree/`])
          assert.strictEqual(synced.exitCode, 0, synced.stderr)
          assert.strictEqual(Fs.readFileSync(Path.join(homeDir, "tree/sub/b"), "utf8"), "b")
        })
      ),
    limit
  )

  it.live(
    "keeps jobs that outlive the command that started them",
    () =>
      withConsole(({ name }) =>
        Effect.gen(function* () {
          const started = yield* toeholdJson<{ id: string }>([
            "job",
            "start",
            name,
            "--json",
            "--",
            "sh",
            "-c",
            "echo first; sleep 1; echo last; exit 4"
          ])
          assert.strictEqual(started.exitCode, 0, started.stderr)
          const { id } = started.json
          const ended = yield* toeholdJson<Record<string, unknown>>(["job", "wait", name, id, "--json"])
          assert.deepInclude(ended.json, { state: "exited", exitCode: 4 })
          const logs = yield* toehold(["job", "logs", name, id])
          assert.strictEqual(logs.stdout, "first\nlast\n")
        })
      ),
    limit
  )

  it.live(
    "says what is wrong with the console",
    () =>
      withConsole(({ homeDir, name, kill }) =>
        Effect.gen(function* () {
          const missing = yield* toeholdJson<FailureDocument>([
            "exec",
            `serial:unix:${homeDir}/none`,
            "--json",
            "--",
            "true"
          ])
          assert.deepInclude(missing.json.error, { reason: "PortMissing", outcome: "did-not-run", isRetryable: true })
          assert.strictEqual(missing.exitCode, ExitCode.transport)
          const wrong = yield* toeholdJson<FailureDocument>(["put", homeDir, "serial:bonfire:x:/y", "--json"])
          assert.deepInclude(wrong.json.error, { reason: "InvalidTarget", outcome: "did-not-run" })
          const pty = yield* toeholdJson<FailureDocument>(["exec", name, "--pty", "--json", "--", "true"])
          assert.strictEqual(pty.json.error.reason, "InvalidArgument")
          yield* Effect.forkChild(Effect.delay(kill, "3 seconds"))
          const gone = yield* toeholdJson<FailureDocument>(["exec", name, "--json", "--shell", "echo a; sleep 600"])
          assert.deepInclude(gone.json.error, { reason: "PortClosed", outcome: "may-have-run" })
          assert.strictEqual(gone.exitCode, ExitCode.transport)
        })
      ),
    limit
  )
})
