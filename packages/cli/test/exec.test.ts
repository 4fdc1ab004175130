import { assert, it } from "@effect/vitest"
import { Duration, Effect, Fiber } from "effect"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as FaultProxy from "@toehold/lab/FaultProxy"
import * as Leaks from "@toehold/lab/Leaks"
import { OpenSshServer } from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import { HeartbeatInterval } from "../src/internal/heartbeat.ts"
import { bare, machineOf, password, sshd, withKey } from "./support/lab.ts"
import { type Options, toehold, toeholdJson } from "./support/program.ts"

interface Failed {
  readonly error: {
    readonly reason: string
    readonly outcome: string
    readonly fix: string
    readonly isRetryable: boolean
  }
  readonly stdout?: string
}

const exec = (words: ReadonlyArray<string>, options?: Options) =>
  OpenSshServer.use((server) => toehold(["exec", machineOf(server), ...withKey(server), ...words], options))
const document = <A>(flags: ReadonlyArray<string>, command: ReadonlyArray<string>, options?: Options) =>
  OpenSshServer.use((server) =>
    toeholdJson<A>(["exec", machineOf(server), ...withKey(server), "--json", ...flags, "--", ...command], options)
  )

describeWith(["sshd"], "toehold exec", () => {
  it.layer(sshd, { excludeTestServices: true })((it) => {
    it.effect("passes on output and exit code, and arguments as they are", () =>
      Effect.gen(function* () {
        const words = ["a b", "'", '"', "$HOME", "new\nline", "", "*", "--json"]
        const ran = yield* exec(["--", "sh", "-c", 'printf "[%s]" "$@"; echo err >&2; exit 7', "sh", ...words])
        assert.deepStrictEqual(ran, {
          exitCode: 7,
          stdout: words.map((word) => `[${word}]`).join(""),
          stderr: "err\n"
        })
        assert.deepStrictEqual(yield* exec(["--shell", "echo $((6*7)) | cat"]), {
          exitCode: 0,
          stdout: "42\n",
          stderr: ""
        })
      })
    )

    it.effect("exits with 128 and the signal's number when a signal ended the command", () =>
      Effect.gen(function* () {
        assert.strictEqual((yield* exec(["--shell", "kill -9 $$"])).exitCode, 137)
        assert.strictEqual((yield* exec(["--shell", "kill -TERM $$"])).exitCode, 143)
        const { json } = yield* document<object>([], ["sh", "-c", "kill -USR1 $$"])
        assert.deepInclude(json, { exitCode: null, signal: "SIGUSR1", outcome: "finished" })
      })
    )

    it.effect("prints one document with --json", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer
        const { exitCode, json, stderr } = yield* document<Record<string, unknown>>(
          [],
          ["sh", "-c", "echo out; echo err >&2; exit 3"]
        )
        assert.deepStrictEqual([exitCode, stderr], [3, ""])
        const { durationMs, ...rest } = json
        assert.isTrue(Number.isInteger(durationMs))
        assert.deepStrictEqual(rest, {
          machine: machineOf(server),
          command: "sh -c 'echo out; echo err >&2; exit 3'",
          exitCode: 3,
          signal: null,
          stdout: "out\n",
          stderr: "err\n",
          encoding: "utf8",
          stdoutBytes: 4,
          stderrBytes: 4,
          truncated: false,
          outcome: "finished"
        })
      })
    )

    it.effect("keeps head and tail of long output, and says what is missing", () =>
      Effect.gen(function* () {
        const flood = ["sh", "-c", "printf 'head:'; head -c 1000000 /dev/zero | tr '\\0' x; printf ':tail'"]
        const { json } = yield* document<{ stdout: string; stdoutBytes: number; truncated: boolean; omitted: object }>(
          ["--max-output", "20"],
          flood
        )
        assert.deepStrictEqual(
          [json.stdout, json.stdoutBytes, json.truncated],
          ["head:xxxxxxxxxx:tail", 1_000_010, true]
        )
        assert.deepStrictEqual(json.omitted, { stdout: { offset: 10, bytes: 999_990 } })
        const byDefault = yield* document<{ stdout: string; truncated: boolean }>([], flood)
        assert.deepStrictEqual([byDefault.json.stdout.length, byDefault.json.truncated], [256 * 1024, true])
        const streamed = yield* exec(["--max-output", "20", "--", ...flood])
        assert.deepStrictEqual(streamed, {
          exitCode: 0,
          stdout: "head:xxxxxxxxxx:tail",
          stderr: "toehold: 999990 bytes of stdout from offset 10 on were left out.\n"
        })
        const everything = yield* exec(["--", ...flood])
        assert.strictEqual(everything.stdout.length, 1_000_010)
      })
    )

    it.effect("prints events with --ndjson, a heartbeat among them", () =>
      Effect.gen(function* () {
        const script = "printf 'h\\303'; sleep 0.3; printf '\\251\\377'; echo err >&2; exit 5"
        const { exitCode, stdout } = yield* exec(["--ndjson", "--", "sh", "-c", script]).pipe(
          Effect.provideService(HeartbeatInterval, Duration.millis(60))
        )
        const events = stdout
          .trimEnd()
          .split("\n")
          .map((line): Record<string, unknown> => JSON.parse(line))
        assert.strictEqual(exitCode, 5)
        const beat = events.find(({ event }) => event === "heartbeat")
        assert.hasAllKeys(beat, ["event", "elapsedMs", "stdoutBytes", "stderrBytes"])
        const data = events.filter(({ event }) => event === "stdout")
        assert.strictEqual(
          Buffer.concat(
            data.map((event) => Buffer.from(String(event["data"]), event["encoding"] === "utf8" ? "utf8" : "base64"))
          ).toString("latin1"),
          "h\xc3\xa9\xff"
        )
        assert.deepStrictEqual(data[0], { event: "stdout", data: "h", encoding: "utf8", offset: 0 })
        const last = events.at(-1)
        assert.deepInclude(last, {
          event: "exit",
          exitCode: 5,
          signal: null,
          stdoutBytes: 4,
          stderrBytes: 4,
          outcome: "finished"
        })
      })
    )

    it.effect("ends with an error event when the machine can't be reached", () =>
      Effect.gen(function* () {
        const { exitCode, stdout } = yield* toehold(["exec", "127.0.0.1:1", "-F", "none", "--ndjson", "--", "true"])
        const event: Failed & { readonly event: string } = JSON.parse(stdout)
        assert.deepStrictEqual(
          [exitCode, event.event, event.error.reason, event.error.outcome],
          [255, "error", "ConnectionRefused", "did-not-run"]
        )
      })
    )

    it.effect("kills the command at its time limits, and keeps what came until then", () =>
      Effect.gen(function* () {
        const mark = Leaks.marker()
        const command = ["sh", "-c", `echo begun; sleep 600; : ${mark}`]
        const total = yield* document<Failed>(["--timeout", "3s"], command)
        assert.deepStrictEqual(
          [total.exitCode, total.json.error.reason, total.json.error.outcome, total.json.stdout],
          [124, "CommandTimeout", "may-have-run", "begun\n"]
        )
        const idle = yield* exec(["--idle-timeout", "400ms", "--", ...command])
        assert.deepStrictEqual([idle.exitCode, idle.stdout], [124, "begun\n"])
        assert.include(idle.stderr, "printed nothing for 400 ms")
        yield* Leaks.awaitProcesses(mark, 0)
      })
    )

    it.effect("counts the way to the machine as a part of its time limit", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer
        const proxy = yield* FaultProxy.make({ target: server, welcome: "stall" })
        const machine = `${server.user}@${proxy.host}:${proxy.port}`
        const words = ["exec", machine, ...withKey(server), "--json", "--timeout", "500ms", "--", "true"]
        const [took, { exitCode, stdout }] = yield* Effect.timed(toehold(words))
        assert.isBelow(Duration.toSeconds(took), 10)
        const { error }: Failed = JSON.parse(stdout)
        assert.deepStrictEqual([exitCode, error.reason, error.outcome], [124, "CommandTimeout", "did-not-run"])
        assert.include(stdout, "500 ms")
      })
    )

    it.effect("kills the command when it is interrupted", () =>
      Effect.gen(function* () {
        const mark = Leaks.marker()
        const fiber = yield* Effect.forkChild(exec(["--", "sh", "-c", `sleep 600; : ${mark}`]))
        yield* Effect.gen(function* () {
          while ((yield* Leaks.processes(mark)).length === 0) yield* Effect.sleep("20 millis")
        })
        yield* Fiber.interrupt(fiber)
        yield* Leaks.awaitProcesses(mark, 0)
      })
    )

    it.effect("kills a command whose start the machine has not confirmed when it is interrupted", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer
        const proxy = yield* FaultProxy.make({ target: server, toClient: { delay: "400 millis" } })
        const slow = ["-F", "none", "--host-key", "off", "-i", server.privateKeyPath]
        const mark = Leaks.marker()
        const words = [
          "exec",
          `${server.user}@127.0.0.1:${proxy.port}`,
          ...slow,
          "--",
          "sh",
          "-c",
          `sleep 600; : ${mark}`
        ]
        const fiber = yield* Effect.forkChild(toehold(words))
        // The command is there at once, the answer that it was started is still on its way.
        while ((yield* Leaks.processes(mark)).length === 0) yield* Effect.sleep("10 millis")
        yield* Fiber.interrupt(fiber)
        yield* Leaks.awaitProcesses(mark, 0)
      }).pipe(Effect.scoped)
    )

    it.effect("kills the command when its reader goes away", () =>
      Effect.gen(function* () {
        const mark = Leaks.marker()
        const closed = yield* exec(["--", "sh", "-c", `while :; do echo ${mark}; sleep 0.02; done`], {
          closesAfter: 100
        })
        assert.strictEqual(closed.exitCode, 141)
        assert.strictEqual(closed.stderr, "")
        yield* Leaks.awaitProcesses(mark, 0)
      })
    )

    it.effect("gives the command an input only when it is asked to", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer
        assert.strictEqual((yield* exec(["--", "wc", "-c"])).stdout.trim(), "0")
        const file = Path.join(server.tempDir, "input")
        Fs.writeFileSync(file, "x".repeat(300_000))
        assert.strictEqual((yield* exec(["--stdin", file, "--", "wc", "-c"])).stdout.trim(), "300000")
        const given = yield* exec(["--stdin", "-", "--", "cat"], { stdin: Uint8Array.of(0, 255, 10) })
        assert.strictEqual(given.stdout, "\0\ufffd\n")
        const missing = yield* document<Failed>(["--stdin", `${file}.no`], ["cat"])
        assert.deepStrictEqual([missing.exitCode, missing.json.error.reason], [255, "NotFound"])
        const nul = yield* exec(["--", "echo", "a\0b"])
        assert.strictEqual(nul.exitCode, 64)
        const folder = yield* exec(["--stdin", server.tempDir, "--", "cat"])
        assert.strictEqual(folder.exitCode, 255)
        assert.include(folder.stderr, server.tempDir)
      })
    )

    it.effect("sets folder and environment", () =>
      Effect.gen(function* () {
        const set = yield* exec(
          ["--cwd", "/", "--env", "A=1 = '2'", "--env-from", "SECRET", "--", "sh", "-c", 'pwd; echo "$A $SECRET"'],
          { platform: { env: { SECRET: "s3cret" } } }
        )
        assert.strictEqual(set.stdout, "/\n1 = '2' s3cret\n")
        assert.include((yield* exec(["--env-from", "NOT_SET", "--", "true"])).stderr, "--env-from NOT_SET")
        assert.strictEqual((yield* exec(["--", "sh", "-c", "test -t 1; echo $?"])).stdout, "1\n")
      })
    )

    it.effect("says what it does not do with a pasted command line", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer
        const pasted = `ssh -N -L 8080:localhost:80 -p ${server.port} ${server.user}@${server.host}`
        const ran = yield* toehold(["exec", pasted, ...withKey(server), "--", "echo", "hi"])
        assert.deepStrictEqual([ran.exitCode, ran.stdout], [0, "hi\n"])
        assert.include(ran.stderr, "not opened by exec")
      })
    )

    it.effect("exits with 255 and says what to do when it can't log in", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer
        const { exitCode, json } = yield* toeholdJson<Failed>([
          "exec",
          machineOf(server),
          ...bare(server),
          "--json",
          "--",
          "true"
        ])
        assert.deepStrictEqual([exitCode, json.error.reason, json.error.outcome], [255, "AuthRejected", "did-not-run"])
        assert.isNotEmpty(json.error.fix)
      })
    )

    it.effect("shows a secret nowhere, at any level of the log", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer
        const passwordFile = Path.join(server.tempDir, "password")
        Fs.writeFileSync(passwordFile, `${password}\n`)
        const platform = { env: { PW: password, TOKEN: "t0ken-of-mine", PASS: "passphrase-of-mine" } }
        const flags = ["--passphrase-env", "PASS", "--env-from", "TOKEN", "--log-level", "debug"]
        const seen = ["sh", "-c", "cat /proc/[0-9]*/cmdline 2>/dev/null; true"]
        const outputs: Array<string> = []
        for (const given of [
          ["--password-env", "PW"],
          ["--password-file", passwordFile]
        ]) {
          for (const format of ["text", "json"]) {
            const words = ["exec", machineOf(server), ...bare(server), ...given, ...flags, "--log-format", format]
            const ran = yield* toehold([...words, "--json", "--", ...seen], { platform })
            assert.strictEqual(ran.exitCode, 0, ran.stderr)
            outputs.push(ran.stdout + ran.stderr)
            const failed = yield* toehold([...words, "-l", "nobody-such", "--", "true"], { platform })
            outputs.push(failed.stdout + failed.stderr)
          }
        }
        for (const output of outputs) {
          for (const secret of [password, "t0ken-of-mine", "passphrase-of-mine"]) assert.notInclude(output, secret)
        }
      })
    )

    it.effect("logs what a person needs to see why a handshake fails, one line each", () =>
      Effect.gen(function* () {
        const text = yield* exec(["--log-level", "debug", "--", "true"])
        for (const part of ["ours.kex=", "theirs.cipher=", "chosen.kex=", "stage=auth durationMs=", ": accepted"]) {
          assert.include(text.stderr, part)
        }
        assert.match(text.stderr, /^\d{4}-\d\d-\d\dT[\d:.]+Z debug ssh StageDone stage=dns durationMs=/m)
        const json = yield* exec(["--log-level", "debug", "--log-format", "json", "--", "true"])
        const lines = json.stderr
          .trimEnd()
          .split("\n")
          .map((line): Record<string, unknown> => JSON.parse(line))
        for (const line of lines) assert.containsAllKeys(line, ["time", "level", "message"])
        assert.isTrue(lines.some(({ theirs }) => theirs !== undefined))
      })
    )
  })
})

// sshd gives the terminal to its user, which only root can do.
describeWith(["sshd", "root"], "toehold exec in a terminal", () => {
  it.layer(sshd, { excludeTestServices: true })((it) => {
    it.effect("has one when asked: by --pty, or by the -t of a pasted command line", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer
        const test = ["--", "sh", "-c", "test -t 1; echo $?"]
        assert.strictEqual((yield* exec(["--pty", ...test])).stdout, "0\r\n")
        const pasted = `ssh -t -p ${server.port} ${server.user}@${server.host}`
        assert.strictEqual((yield* toehold(["exec", pasted, ...withKey(server), ...test])).stdout, "0\r\n")
      })
    )
  })
})
