/** The program in a real terminal: one of an SSH server, in which it is run and driven as by a person. */
import { assert, it } from "@effect/vitest"
import { NodeServices } from "@effect/platform-node"
import { Effect, Layer, Queue, Redacted, Stream } from "effect"
import { layer, OpenSshServer } from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import * as Simulator from "@toehold/lab/VastSimulator"
import * as ClientPlatform from "@toehold/ssh-core/ClientPlatform"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import * as SshLogin from "@toehold/ssh-core/SshLogin"

const main = new URL("../src/main.ts", import.meta.url).href
const script = `import(${JSON.stringify(main)}).then(async ({ main }) => process.exit(await main(process.argv.slice(1), "0")))`

const services = Layer.merge(NodeServices.layer, ClientPlatform.layer)

describeWith(["sshd", "root"], "in a real terminal", () => {
  it.layer(layer().pipe(Layer.provideMerge(services)), { excludeTestServices: true })((it) => {
    it.effect("toehold shell is raw, follows its size, and gives it back as it was", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer
        const login = `ssh -F none -i ${server.privateKeyPath} -o UserKnownHostsFile=${server.knownHostsPath} -p ${server.port} ${server.user}@${server.host}`
        const outer = yield* SshLogin.connect(login)
        const words = [process.execPath, "-e", script, "shell", login].map(
          (word) => `'${word.replaceAll("'", `'\\''`)}'`
        )
        const text = `before=$(stty -g); ${words.join(" ")}; echo "code $?"; [ "$before" = "$(stty -g)" ] && echo "as before"; read x; echo "<$x>"`
        const keys = yield* Queue.unbounded<Uint8Array>()
        const running = yield* outer.start(SshCommand.shell(text), {
          pty: { rows: 30, cols: 90 },
          stdin: Stream.fromQueue(keys),
          timeout: "25 seconds"
        })
        let shown = ""
        yield* Effect.forkScoped(
          Stream.runForEach(running.output, ({ data }) => Effect.sync(() => (shown += Buffer.from(data).toString())))
        )
        const types = (text: string) => Effect.sync(() => void Queue.offerUnsafe(keys, Buffer.from(text)))
        const sees = Effect.fnUntraced(function* (pattern: RegExp) {
          while (!pattern.test(shown)) yield* Effect.sleep("10 millis")
          shown = ""
        })
        // Typed before the program has its terminal, it would be shown by the one around it.
        yield* sees(/[#$] $/)
        yield* types("stty size; echo $((6*7))\r")
        yield* sees(/30 90[^]*42/)
        yield* running.resize({ rows: 44, cols: 111 })
        yield* types("sleep 0.3; stty size\r")
        yield* sees(/44 111/)
        // Ctrl-C is for what runs on the machine.
        yield* types("sleep 60\r")
        yield* Effect.sleep("300 millis")
        yield* types("\x03")
        yield* types("echo $((7*7)); exit 9\r")
        yield* sees(/49[^]*code 9\r\nas before\r\n/)
        yield* types("typed\r")
        yield* sees(/typed\r\n<typed>/)
        assert.strictEqual((yield* running.exit).exitCode, 0)
      }).pipe(Effect.scoped)
    )

    it.effect("toehold vast destroy asks, and takes the answer", () =>
      Effect.gen(function* () {
        const server = yield* OpenSshServer
        const simulator = yield* Simulator.make({ servers: "in-process", delays: { status: 5, load: 5, ssh: 5 } })
        const instance = yield* simulator.rent({ label: "precious" })
        yield* instance.settled
        const login = `ssh -F none -i ${server.privateKeyPath} -o UserKnownHostsFile=${server.knownHostsPath} -p ${server.port} ${server.user}@${server.host}`
        const outer = yield* SshLogin.connect(login)
        const env = { VAST_URL: simulator.url, VAST_API_KEY: Redacted.value(simulator.apiKey), CI: "" }
        const words = [process.execPath, "-e", script, "vast", "destroy", `${instance.id}`] as const
        for (const [answer, code, end] of [
          ["no\r", 1, /nothing was done/],
          ["yes\r", 0, /is destroyed/]
        ] as const) {
          const keys = yield* Queue.unbounded<Uint8Array>()
          const running = yield* outer.start(SshCommand.argv([...words], { env }), {
            pty: { rows: 30, cols: 90 },
            stdin: Stream.fromQueue(keys),
            timeout: "25 seconds",
            promptTimeout: false
          })
          let shown = ""
          yield* Stream.runForEach(running.output, ({ data }) =>
            Effect.sync(() => {
              const isAsked = /Go on\? \[y\/N\] $/
              const before = isAsked.test(shown)
              shown += Buffer.from(data).toString()
              if (!before && isAsked.test(shown)) Queue.offerUnsafe(keys, Buffer.from(answer))
            })
          )
          assert.match(shown, /"precious"[^]*lost for good/)
          assert.match(shown, end)
          assert.strictEqual((yield* running.exit).exitCode, code, shown)
        }
      }).pipe(Effect.scoped)
    )
  })
})
