import { assert, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import * as Fs from "node:fs"
import { describeWith } from "@toehold/lab/RealPart"
import { start } from "./support/program.ts"
import { greeter, portOf, talk } from "./support/sockets.ts"
import { type Answer, close, type ErrorDocument, jsonOf, layerWith, planted, rented, VastLab } from "./support/vast.ts"

describeWith(["sshd", "ssh", "private-accounts"], "vast:ID", () => {
  it.layer(layerWith(), { excludeTestServices: true })((it) => {
    it.effect("is a machine like any other: commands, files, jobs, ports, its diagnosis", () =>
      Effect.gen(function* () {
        const { exec, lab, machine } = yield* rented
        const { folder, login, run } = lab
        assert.strictEqual((yield* exec("id", "-un")).json.stdout, "root\n")
        Fs.writeFileSync(`${folder}/sent`, "some bytes")
        const put = yield* run(["put", `${folder}/sent`, `${machine}:/tmp/sent`, ...login])
        assert.strictEqual(put.exitCode, 0, put.stderr)
        const got = yield* run(["get", `${machine}:/tmp/sent`, `${folder}/got`, ...login])
        assert.strictEqual(got.exitCode, 0, got.stderr)
        assert.strictEqual(Fs.readFileSync(`${folder}/got`, "utf8"), "some bytes")
        const job = ["--name", "one", ...login, "--json"]
        assert.strictEqual((yield* run(["job", "start", machine, ...job, "--", "echo", "done"])).exitCode, 0)
        assert.strictEqual((yield* run(["job", "wait", machine, "one", ...login])).exitCode, 0)
        const doctor = yield* run(["doctor", machine, ...login, "--json"])
        assert.strictEqual(doctor.exitCode, 0, doctor.stdout)
        const { stages } = jsonOf<{ stages: ReadonlyArray<{ name: string; ok: boolean }> }>(doctor)
        assert.deepStrictEqual(stages.at(-1)?.name, "shell")
        const interact = yield* run([
          "interact",
          machine,
          ...login,
          "--expect",
          "?",
          "--send",
          "7",
          "--",
          "sh",
          "-c",
          "echo ?; read a; echo $a"
        ])
        assert.include(interact.stdout, "7", interact.stderr)
        const bySsh = yield* run(["exec", machine, ...login, "--transport", "openssh", "--", "echo", "by ssh"])
        assert.strictEqual(bySsh.stdout, "by ssh\n", bySsh.stderr)
        const sessions = yield* run(["session", "list", machine, ...login])
        assert.deepStrictEqual([sessions.exitCode, sessions.stdout], [0, "No sessions.\n"], sessions.stderr)
        const many = yield* run(["exec", `${machine},local:`, ...login, "--json", "--", "true"])
        assert.strictEqual(many.exitCode, 0, many.stdout)
      })
    )

    it.effect("is forwarded to by whatever address it has when a connection is lost", () =>
      Effect.gen(function* () {
        const { instance, lab, machine } = yield* rented
        const target = yield* greeter
        const running = yield* start(["forward", machine, ...lab.login, "--json", `-L0:127.0.0.1:${target}`], {
          platform: { homeDir: lab.folder, env: lab.env }
        })
        const [line] = yield* running.lines(1)
        const { listen, ready } = JSON.parse(line ?? "{}") as { ready?: boolean; listen?: string } // see forward
        assert.isTrue(ready, running.stderr())
        const port = portOf(listen ?? "")
        assert.strictEqual(yield* talk(port, "directly"), "directly")
        yield* close(instance.direct)
        assert.strictEqual(yield* talk(port, "by the proxy"), "by the proxy")
        yield* Fiber.interrupt(running.fiber)
        assert.strictEqual(yield* talk(port, "afterwards"), "ECONNREFUSED")
      }).pipe(Effect.scoped)
    )

    it.effect("is reached by its other address where one says nothing at all", () =>
      Effect.gen(function* () {
        const { instance, lab, machine } = yield* rented
        yield* instance.direct?.network.welcome("stall") ?? Effect.void
        const words = ["exec", machine, ...lab.login, "--connect-timeout", "1s", "--", "echo", "here"]
        const ran = yield* lab.run([...words.slice(0, -3), "--log-level", "info", ...words.slice(-3)])
        assert.deepStrictEqual([ran.exitCode, ran.stdout], [0, "here\n"], ran.stderr)
        assert.include(ran.stderr, "ConnectTimeout")
        yield* instance.direct?.network.welcome("forward") ?? Effect.void
      })
    )

    it.effect("lets nobody in whose key it has not, until it is attached and has arrived", () =>
      Effect.gen(function* () {
        const { instance, lab, machine } = yield* rented
        const { folder, run, simulator } = lab
        const file = `${folder}/id_other`
        assert.strictEqual((yield* run(["keys", "generate", file])).exitCode, 0)
        const login = ["-F", "none", "--known-hosts", lab.knownHosts, "-i", file]
        const refused = yield* run(["exec", machine, ...login, "--json", "--", "true"])
        const { error } = jsonOf<ErrorDocument>(refused)
        assert.strictEqual(error.reason, "RoutesFailed")
        assert.include(error.fix, `toehold vast keys attach ${instance.id}`)
        const doctor = yield* run(["doctor", machine, ...login, "--json"])
        assert.strictEqual(doctor.exitCode, 77, doctor.stdout)
        yield* simulator.setDelays({ keys: 1500 })
        assert.strictEqual((yield* run(["vast", "keys", "attach", `${instance.id}`, `${file}.pub`])).exitCode, 0)
        const waited = yield* run(["vast", "wait", `${instance.id}`, "--interval", "200ms", ...login, "--json"])
        yield* simulator.setDelays({ keys: 5 })
        assert.strictEqual(waited.exitCode, 0, waited.stdout)
        assert.include(waited.stderr, "did not let root in")
        assert.deepInclude(jsonOf<object>(waited), { instance: instance.id, goal: "ssh-ready", status: "running" })
        assert.strictEqual((yield* run(["exec", machine, ...login, "--", "true"])).exitCode, 0)
      })
    )

    it.effect("is tried with ~/.ssh/id_vast where no key is named", () =>
      Effect.gen(function* () {
        const { lab, machine } = yield* rented
        const home = `${lab.folder}/home`
        Fs.mkdirSync(`${home}/.ssh`, { recursive: true, mode: 0o700 })
        const words = ["exec", machine, ...lab.login.slice(0, 4), "--", "true"]
        const here = { platform: { homeDir: home } }
        assert.strictEqual((yield* lab.run(words, here)).exitCode, 255)
        // One that nobody asked for and that can't be read is no reason to fail.
        Fs.writeFileSync(`${home}/.ssh/id_ed25519`, "no key", { mode: 0o600 })
        Fs.copyFileSync(lab.keyFile, `${home}/.ssh/id_vast`)
        const ran = yield* lab.run(words, here)
        assert.strictEqual(ran.exitCode, 0, ran.stderr)
      })
    )

    it.effect("is found with many others by one question to the service", () =>
      Effect.gen(function* () {
        const lab = yield* VastLab
        const all = yield* Effect.forEach([1, 2, 3], () => lab.simulator.rent())
        yield* Effect.forEach(all, ({ settled }) => settled)
        const before = (yield* lab.simulator.requests).length
        const names = [...all.map(({ id }) => `vast:${id}`), "vast:49999999"].join(",")
        const ran = yield* lab.run(["exec", names, ...lab.login, "--json", "--", "echo", "here"])
        const { results } = jsonOf<{ results: ReadonlyArray<Answer> }>(ran)
        assert.deepStrictEqual(
          results.map(({ error, stdout }) => stdout ?? error.reason),
          ["here\n", "here\n", "here\n", "NotFound"]
        )
        const asked = (yield* lab.simulator.requests).slice(before).map(({ endpoint }) => endpoint)
        assert.deepStrictEqual(asked, ["GET /api/v1/instances/", "GET /api/v0/instances/{id}/"])
      })
    )

    it.effect("keeps the API's key to itself", () =>
      Effect.gen(function* () {
        const { lab, machine } = yield* rented
        const key = lab.env["VAST_API_KEY"] ?? ""
        const ran = yield* lab.run(
          [
            "exec",
            machine,
            ...lab.login,
            "--log-level",
            "debug",
            "--env-from",
            "TOKEN",
            "--",
            "sh",
            "-c",
            "env; ps axww"
          ],
          { platform: { homeDir: lab.folder, env: { ...lab.env, TOKEN: planted } } }
        )
        assert.strictEqual(ran.exitCode, 0, ran.stderr)
        assert.notInclude(ran.stdout + ran.stderr, key)
        assert.notInclude(ran.stderr, planted)
        assert.strictEqual(ran.stdout.split(planted).length, 2, "it is in the command's environment alone")
      })
    )
  })
})
