import { assert, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Layer, Redacted } from "effect"
import * as Fs from "node:fs"
import { createHash } from "node:crypto"
import * as FaultProxy from "@toehold/lab/FaultProxy"
import * as Leaks from "@toehold/lab/Leaks"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import * as SshClient from "@toehold/ssh-core/SshClient"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import type * as SshInteract from "@toehold/ssh-core/SshInteract"
import { connectTo, faces, reasonOf } from "./support/failing.ts"
import { connect, optionsFor, services } from "./support/machine.ts"

const machine = Layer.effect(
  SshClient.SshClient,
  Effect.flatMap(OpenSshServer.OpenSshServer, (server) => connect(server, { spareSessions: 0 }))
).pipe(Layer.provideMerge(OpenSshServer.layer()), Layer.provideMerge(services))

const interact = (text: string, steps: ReadonlyArray<SshInteract.Step>, options?: SshInteract.Options) =>
  SshClient.SshClient.use((ssh) => ssh.interact(SshCommand.shell(text), steps, options))

const secret = Redacted.make("correct horse 'battery'")

describeWith(["sshd", "root"], "SshClient.interact over a bad link", () => {
  it.layer(machine, { excludeTestServices: true })((it) => {
    it.effect("says may-have-run when the connection is cut, with what was shown, and leaves nothing behind", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer.OpenSshServer
        const proxy = yield* FaultProxy.make({ target: server })
        const ssh = yield* connectTo({ ...optionsFor(server), port: proxy.port })
        const mark = Leaks.marker()
        const said = `${server.tempDir}/said`
        const asks = SshCommand.shell(`printf "Password: "; read p; echo "got $p"; >${said}; sleep 600; : ${mark}`)
        const steps = [{ expect: "Password: ", send: secret }, { expect: "got" }, { expect: "never" }]
        const fiber = yield* Effect.forkChild(Effect.flip(ssh.interact(asks, steps)))
        while (!Fs.existsSync(said)) yield* Effect.sleep("10 millis")
        yield* Effect.sleep("500 millis")
        yield* proxy.cut("rst")
        const reason = reasonOf(yield* Fiber.join(fiber), "ConnectionLost", {
          isRetryable: false,
          outcome: "may-have-run"
        })
        assert.strictEqual(reason.stdout.text, "Password: got [secret]\r\n")
        // The terminal is gone with the connection, and hangs up on what runs in it.
        yield* Leaks.awaitProcesses(mark, 0)
      }).pipe(Effect.scoped)
    )
  })
})

describeWith(["sshd", "root"], "SshClient.interact", () => {
  it.layer(machine, { excludeTestServices: true })((it) => {
    it.effect("answers questions in order, and tells how the command ended", () =>
      Effect.gen(function* () {
        const ask = 'printf "Name: "; read n; printf "Sure? [y/N] "; read s; echo "<$n|$s>"; exit 7'
        const result = yield* interact(ask, [
          { expect: "Name: ", send: "Ada" },
          { expect: /sure\? \[y\/N\]/i, send: "y" },
          { expect: ">\n" }
        ])
        assert.strictEqual(result.transcript.text, "Name: Sure? [y/N] <Ada|y>\r\n")
        assert.deepStrictEqual([result.exitCode, result.signal, result.matches], [7, null, [1, 1, 1]])
      })
    )

    it.effect("types a secret where nothing shows it", () =>
      Effect.gen(function* () {
        const ask = 'stty -echo; printf "Password: "; read p; stty echo; printf %s "$p" | sha256sum'
        const result = yield* interact(ask, [{ expect: "Password: ", send: secret }])
        assert.include(result.transcript.text, createHash("sha256").update(Redacted.value(secret)).digest("hex"))
        assert.notInclude(faces(result), "battery")
      })
    )

    it.effect("replaces a secret that the program prints, in results and in errors", () =>
      Effect.gen(function* () {
        const ask = 'stty echo; printf "Password: "; read p; echo "got $p and $p"; printf %s "$p"; echo; '
        const steps = [{ expect: "Password: ", send: secret }]
        const result = yield* interact(`${ask} exit 3`, steps)
        assert.include(result.transcript.text, "got [secret] and [secret]\r\n[secret]\r\n")
        assert.notInclude(faces(result), "battery")
        for (const end of ["exit 3", "sleep 60", 'printf "Again, $p? [y/n] "; read x']) {
          const failed = yield* Effect.flip(
            interact(
              `${ask} ${end}`,
              [...steps, { expect: "never", timeout: end === "sleep 60" ? "500 millis" : "9 seconds" }],
              {
                promptTimeout: "300 millis"
              }
            )
          )
          const shown = "stdout" in failed.reason ? failed.reason.stdout.text : ""
          assert.include(shown, "got [secret] and [secret]\r\n")
          assert.notInclude(shown + faces(failed), "battery")
        }
      })
    )

    it.effect("passes optional steps over, and repeats what repeats", () =>
      Effect.gen(function* () {
        const ask =
          'for i in 1 2 3; do printf "License page %s -- more? " $i; read x; done; printf "Accept? "; read a; echo "$a"'
        const steps: ReadonlyArray<SshInteract.Step> = [
          { expect: "Overwrite?", send: "no", optional: true },
          { expect: /more\? $/, send: "", repeat: true },
          { expect: "Accept?", send: "yes" },
          { expect: "Really?", send: "yes", optional: true }
        ]
        const result = yield* interact(ask, steps)
        assert.deepStrictEqual(result.matches, [0, 3, 1, 0])
        assert.match(result.transcript.text, /yes\r\n$/)
      })
    )

    it.effect("answers at any time what always has an answer", () =>
      Effect.gen(function* () {
        const ask =
          'for i in 1 2; do printf "Continue (y/n)? "; read x; echo "$x"; done; printf "Name: "; read n; echo "<$n>"'
        const always = [{ expect: "(y/n)?", send: "y" }]
        const result = yield* interact(ask, [{ expect: "Name: ", send: "Ada" }], { always })
        assert.deepStrictEqual(result.transcript.text.split("\r\n"), [
          "Continue (y/n)? y",
          "Continue (y/n)? y",
          "Name: <Ada>",
          ""
        ])
      })
    )

    it.effect("types keys without Enter, and text without waiting", () =>
      Effect.gen(function* () {
        const ask =
          'read a; echo "[$a]"; stty -icanon min 1; printf "key? "; k=$(dd bs=1 count=1 2>/dev/null); echo "<$k>"'
        const result = yield* interact(ask, [{ send: "at once" }, { expect: "key? ", send: "q", enter: false }])
        assert.include(result.transcript.text, "[at once]\r\nkey? <q>")
      })
    )

    it.effect("kills a command that does not come to a step in time, and shows how far it got", () =>
      Effect.gen(function* () {
        const mark = Leaks.marker()
        const ask = `printf "Name: "; read n; echo "hello $n"; sleep 600; : ${mark}`
        const error = yield* Effect.flip(
          interact(ask, [
            { expect: "Name: ", send: "Ada" },
            { expect: "Done", timeout: "400 millis" }
          ])
        )
        const reason = reasonOf(error, "ExpectTimeout", { isRetryable: false, outcome: "may-have-run" })
        assert.deepInclude(reason, { step: 1, steps: 2, expected: '"Done"', timeoutMs: 400, killed: true })
        assert.strictEqual(reason.stdout.text, "Name: hello Ada\r\n")
        yield* Leaks.awaitProcesses(mark, 0)
      })
    )

    it.effect("says when the command ends before a step", () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(interact("echo no; exit 4", [{ expect: /yes/, send: "x" }]))
        const reason = reasonOf(error, "ExpectEnded", { isRetryable: false, outcome: "finished" })
        assert.deepInclude(reason, { step: 0, expected: "/yes/", exitCode: 4, signal: null })
        assert.strictEqual(reason.stdout.text, "no\r\n")
      })
    )

    it.effect("reports a question that no step answers instead of waiting for the step", () =>
      Effect.gen(function* () {
        const mark = Leaks.marker()
        const ask = `printf "Delete everything? [y/N] "; read x; echo done; : ${mark}`
        const [taken, error] = yield* Effect.timed(
          Effect.flip(interact(ask, [{ expect: "done", timeout: "1 minute" }], { promptTimeout: "300 millis" }))
        )
        const reason = reasonOf(error, "PromptDetected", { isRetryable: false, outcome: "may-have-run" })
        assert.deepInclude(reason, { kind: "confirmation", prompt: "Delete everything? [y/N]", killed: true })
        assert.strictEqual(reason.stdout.text, "Delete everything? [y/N] ")
        assert.isBelow(Duration.toSeconds(taken), 15)
        yield* Leaks.awaitProcesses(mark, 0)
      })
    )

    it.effect("holds its time limit for all of it", () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(interact("echo a; sleep 600", [{ expect: "a" }], { timeout: "500 millis" }))
        const reason = reasonOf(error, "CommandTimeout", { isRetryable: false, outcome: "may-have-run" })
        assert.strictEqual(reason.stdout.text, "a\r\n")
      })
    )

    it.effect("keeps head and tail of a long transcript, and finds what it waits for in it", () =>
      Effect.gen(function* () {
        const ask = 'seq 1 100000; printf "Name: "; read n; echo "$n"; seq 1 100000'
        const result = yield* interact(ask, [{ expect: /^99999$/m }, { expect: "Name: ", send: "Ada" }], {
          maxTranscript: 20
        })
        assert.deepStrictEqual(result.matches, [1, 1])
        assert.strictEqual(Buffer.from(result.transcript.head).toString(), "1\r\n2\r\n3\r\n4")
        assert.strictEqual(Buffer.from(result.transcript.tail).toString(), "\r\n100000\r\n")
      })
    )

    it.effect("refuses steps that can't be meant, before anything runs", () =>
      Effect.gen(function* () {
        const wrong: ReadonlyArray<ReadonlyArray<SshInteract.Step>> = [
          [{}],
          [{ expect: "" }],
          [{ send: secret }],
          [{ expect: "a", optional: true }, { send: "b" }],
          [{ expect: "x".repeat(5000) }],
          [{ send: "b", repeat: true }]
        ]
        for (const steps of wrong) {
          const error = yield* Effect.flip(interact("exit 1", steps))
          assert.match(reasonOf(error, "InvalidArgument", { isRetryable: false }).argument, /^Step [12]$/)
        }
      })
    )
  })
})
