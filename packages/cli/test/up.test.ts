import { assert, it } from "@effect/vitest"
import { NodeServices } from "@effect/platform-node"
import { Context, Effect, FileSystem, Layer, Redacted } from "effect"
import { FetchHttpClient } from "effect/http"
import * as KeyPair from "@toehold/lab/KeyPair"
import { describeWith } from "@toehold/lab/RealPart"
import * as Simulator from "@toehold/lab/VastSimulator"
import { type Ran, toehold } from "./support/program.ts"

class UpLab extends Context.Service<
  UpLab,
  {
    readonly simulator: Simulator.VastSimulator["Service"]
    readonly folder: string
    readonly login: ReadonlyArray<string>
    readonly run: (words: ReadonlyArray<string>, env?: Readonly<Record<string, string>>) => Effect.Effect<Ran>
  }
>()("test/UpLab") {}

const token = "hf_planted_secret_0123456789"

/** A simulator whose machines let nobody in at once, and the program with its key and its edge. */
const layer = Layer.effect(
  UpLab,
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const folder = yield* fs.makeTempDirectoryScoped({ prefix: "toehold-up-" })
    const { privateKey } = yield* KeyPair.generate()
    const keyFile = `${folder}/id_vast`
    yield* fs.writeFileString(keyFile, privateKey, { mode: 0o600 })
    const simulator = yield* Simulator.make({ delays: { status: 20, load: 200, ssh: 300, keys: 2500, results: 20 } })
    const edgeFetch: typeof fetch = (input, init) => fetch(Simulator.edgeUrl(simulator, String(input)), init)
    return UpLab.of({
      simulator,
      folder,
      login: ["-F", "none", "--known-hosts", `${folder}/known_hosts`, "-i", keyFile, "--retry-every", "200ms"],
      run: (words, env = {}) =>
        toehold(words, {
          platform: {
            homeDir: folder,
            uid: process.getuid?.(),
            env: {
              VAST_API_KEY: Redacted.value(simulator.apiKey),
              VAST_URL: simulator.url,
              TOEHOLD_HOME: `${folder}/toehold`,
              ...env
            }
          }
        }).pipe(Effect.provideService(FetchHttpClient.Fetch, edgeFetch))
    })
  })
).pipe(Layer.provideMerge(NodeServices.layer))

interface Document {
  readonly url: string
  readonly workspace: string
  readonly steps: ReadonlyArray<{ readonly step: string; readonly skipped: boolean }>
  readonly error?: { readonly reason: string; readonly message: string; readonly fix: string }
}

interface Diagnosis {
  readonly stages: ReadonlyArray<{ readonly name: string; readonly ok: boolean }>
  readonly verdict: string
  readonly cause?: string
  readonly fix: string
}

const jsonOf = ({ stdout }: Ran): Document => JSON.parse(stdout) as Document // what the test says it is

const page = `require("http").createServer((q, r) => r.end("ComfyUI")).listen(8188, "127.0.0.1")`
const app = ["--app-command", `exec ${process.execPath} -e '${page}'`, "--app-port", "8188"]

describeWith(["sshd", "private-accounts"], "toehold up", () => {
  it.layer(layer, { excludeTestServices: true })((it) => {
    it.effect("goes from an instance that was just rented to a URL that answers, and skips what is done", () =>
      Effect.gen(function* () {
        const { login, run, simulator } = yield* UpLab
        const { id, settled } = yield* simulator.rent({ workspace: "home" })
        const command = ["up", `vast:${id}`, ...app, "--json", ...login]

        const unknown = yield* run(command)
        assert.strictEqual(jsonOf(unknown).error?.reason, "KeyNotRegistered")
        assert.strictEqual(unknown.exitCode, 77)
        // From here on only the key takes its time.
        yield* settled

        const without = yield* run([...command, "--register"])
        assert.strictEqual(jsonOf(without).error?.reason, "SecretsMissing", without.stdout)
        assert.include(jsonOf(without).error?.fix ?? "", "--secret HF_TOKEN")
        assert.include(without.stderr, "the key is not in place yet")

        const first = yield* run([...command, "--secret", "HF_TOKEN"], { HF_TOKEN: token })
        assert.strictEqual(first.exitCode, 0, `${first.stdout}${first.stderr}`)
        const document = jsonOf(first)
        assert.match(document.url, /^https:\/\/[a-z0-9-]+\.trycloudflare\.com$/)
        assert.strictEqual(document.workspace.split("/").at(-1), "workspace")
        const page = yield* Effect.promise(() => fetch(Simulator.edgeUrl(simulator, document.url)))
        assert.strictEqual(yield* Effect.promise(() => page.text()), "ComfyUI")

        const again = yield* run(command)
        assert.strictEqual(jsonOf(again).url, document.url)
        assert.deepStrictEqual(
          jsonOf(again).steps.flatMap(({ skipped, step }) => (skipped ? [] : [step])),
          ["identity", "port", "login"]
        )
        const doctor = yield* run(["doctor", `vast:${id}`, "--json", ...login.slice(0, 6)])
        const { stages, verdict } = JSON.parse(doctor.stdout) as Diagnosis // what the test says it is
        assert.deepStrictEqual(
          stages.map(({ name, ok }) => [name, ok]),
          [
            "api",
            "keys",
            "status",
            "ports",
            "dns",
            "tcp",
            "banner",
            "kex",
            "host-key",
            "auth",
            "channel",
            "sftp",
            "shell"
          ].map((name) => [name, true])
        )
        assert.include(verdict, "Ready")
        assert.notInclude(
          [unknown, without, first, again].map(({ stderr, stdout }) => `${stdout}${stderr}`).join(""),
          token
        )
      })
    )

    it.effect("names in a word what is at fault", () =>
      Effect.gen(function* () {
        const { login, run, simulator } = yield* UpLab
        const diagnose = (id: number, env?: Readonly<Record<string, string>>) =>
          Effect.map(run(["doctor", `vast:${id}`, "--json", ...login.slice(0, 6)], env), ({ exitCode, stdout }) => {
            const { cause, stages } = JSON.parse(stdout) as Diagnosis // what the test says it is
            return [exitCode, stages.at(-1)?.name, cause]
          })
        const { id } = yield* simulator.rent({ workspace: "home" })
        assert.deepStrictEqual(yield* diagnose(id, { VAST_API_KEY: "of-nobody" }), [77, "api", "account"])
        const stopped = yield* simulator.rent({ fate: "no-gpu" })
        yield* stopped.settled
        const [code, , cause] = yield* diagnose(stopped.id)
        assert.deepStrictEqual([code, cause], [69, "instance"])
      })
    )
  })
})
