import { NodeServices } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import * as Docker from "@toehold/lab/Docker"
import * as FreePort from "@toehold/lab/FreePort"
import { describeWith } from "@toehold/lab/RealPart"
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { afterAll, beforeAll } from "vitest"
import * as images from "./support/images.ts"
import { build, clientOf, program, removeBuild } from "./support/worker.ts"

const deploy = Path.join(import.meta.dirname, "..", "deploy")
const machines = JSON.stringify({ machines: { vm: { target: "root@192.0.2.1", ip: "192.0.2.1" } } })

/** Waits until a command in a container, or of the engine, succeeds and says what it is to say. */
const until = <E, R>(command: Effect.Effect<string, E, R>, isSo: (output: string) => boolean) =>
  command.pipe(
    Effect.catch((error) => Effect.succeed(String(error))),
    Effect.repeat({ until: isSo, schedule: Schedule.max([Schedule.spaced("250 millis"), Schedule.recurs(240)]) }),
    Effect.tap((output) => Effect.sync(() => assert.isTrue(isSo(output), output)))
  )

const readiness = "fetch('http://127.0.0.1:4620/readyz').then(async (answer) => console.log(await answer.text()))"

/** The folder that the image is built from, with a bundle in it. */
const context = Effect.gen(function* () {
  const path = yield* images.folder
  Fs.mkdirSync(Path.join(path, "dist"))
  Fs.copyFileSync(program, Path.join(path, "dist", "api-worker.mjs"))
  Fs.chmodSync(Path.join(path, "dist", "api-worker.mjs"), 0o755)
  Fs.copyFileSync(Path.join(deploy, "Dockerfile"), Path.join(path, "Dockerfile"))
  Fs.writeFileSync(Path.join(path, "machines.json"), machines)
  return path
})

describeWith(["docker", "mmdebstrap"], "what is deployed", () => {
  beforeAll(build, 120_000)
  afterAll(removeBuild)

  it.live(
    "is an image that serves as an account of its own, says when it is well, and ends when it is told to",
    () =>
      Effect.gen(function* () {
        const path = yield* context
        const base = yield* images.node
        const image = `toehold-test/api-worker:${process.pid}`
        yield* Effect.acquireRelease(
          Docker.run("build", "--quiet", "--build-arg", `BASE=${base}`, "--tag", image, path),
          () => Effect.ignore(Docker.run("rmi", "--force", image))
        )
        const volume = `toehold-test-${process.pid}`
        yield* Effect.acquireRelease(Docker.run("volume", "create", volume), () =>
          Effect.ignore(Docker.run("volume", "rm", "--force", volume))
        )
        const machinesFile = `${Path.join(path, "machines.json")}:/etc/toehold/machines.json:ro`
        const mounts = ["--volume", `${volume}:/var/lib/toehold`, "--volume", machinesFile]
        Fs.chmodSync(path, 0o755)
        const refused = yield* Effect.flip(Docker.run("run", "--rm", ...mounts, image))
        assert.include(refused.message, "api-worker token create")
        const output = yield* Docker.run("run", "--rm", ...mounts, image, "token", "create", "alice")
        const token = /^toehold_\S+$/m.exec(output)?.[0] ?? ""
        const port = yield* FreePort.onLoopback
        const limits = ["--memory", "512m", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL"]
        const publish = ["--publish", `127.0.0.1:${port}:4620`]
        const id = yield* images.container([...mounts, ...limits, ...publish, image])
        const health = Docker.run("inspect", "--format", "{{.State.Health.Status}}", id)
        yield* until(health, (status) => status.trim() === "healthy")
        const api = yield* clientOf(`http://127.0.0.1:${port}`, token)
        assert.deepStrictEqual(
          (yield* api.machines).map(({ name }) => name),
          ["vm"]
        )
        assert.strictEqual((yield* Docker.run("exec", id, "id", "-u")).trim(), "10001")
        const files = yield* Docker.run("exec", id, "sh", "-c", "stat -c '%a %U %n' /var/lib/toehold/*")
        for (const line of files.trim().split("\n")) assert.match(line, /^600 toehold /)
        yield* Docker.run("stop", "--time", "30", id)
        assert.strictEqual((yield* Docker.run("inspect", "--format", "{{.State.ExitCode}}", id)).trim(), "0")
        assert.notInclude(yield* Docker.run("logs", id), token)
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    240_000
  )

  it.live(
    "is a unit of systemd that passes its checks, is started anew when it was killed, and stopped in order",
    () =>
      Effect.gen(function* () {
        const image = yield* images.systemd
        const id = yield* images.container([...(yield* images.systemdWords), image])
        const on = (...words: ReadonlyArray<string>) => Docker.run("exec", id, ...words)
        const sh = (text: string) => on("sh", "-ec", text)
        yield* until(on("systemctl", "is-system-running"), (state) => /^(running|degraded)\s*$/.test(state))
        const unit = Path.join(deploy, "api-worker.service")
        // Its own first lines say what is to be done before.
        const steps = Fs.readFileSync(unit, "utf8").matchAll(/^# {3}(.+)$/gm)
        const [account = "", install = "", tokens = ""] = [...steps].map(([, step = ""]) => step)
        for (const [from, to] of [
          [program, "/api-worker.mjs"],
          [unit, "/etc/systemd/system/api-worker.service"]
        ] as const) {
          ChildProcess.execFileSync("docker", ["cp", from, `${id}:${to}`], { stdio: "ignore" })
        }
        yield* sh(`${account}; ${install}; mkdir /etc/toehold; printf '%s' '${machines}' >/etc/toehold/machines.json`)
        assert.strictEqual((yield* on("systemd-analyze", "verify", "api-worker.service")).trim(), "")
        yield* sh("systemctl daemon-reload; systemctl enable --quiet --now api-worker")
        const isReady = until(on("node", "-e", readiness), (text) => text.includes('"ok"'))
        yield* isReady
        const token = (yield* sh(tokens.replace("NAME", "alice")))
          .split("\n")
          .find((line) => line.startsWith("toehold_"))
        const asked = `fetch('http://127.0.0.1:4620/v1/machines', { headers: { authorization: 'Bearer ${token}' } })`
        const known = yield* on("node", "-e", `${asked}.then(async (answer) => console.log(await answer.text()))`)
        assert.include(known, '"vm"')
        const property = (name: string) =>
          Effect.map(on("systemctl", "show", "--value", "--property", name, "api-worker"), (text) => text.trim())
        assert.strictEqual(yield* property("MemoryMax"), String(512 * 1024 * 1024))
        const pid = yield* property("MainPID")
        const status = yield* sh(`cat /proc/${pid}/status; stat -c 'state %a %U' /var/lib/toehold`)
        assert.match(status, /^NoNewPrivs:\s+1$/m)
        assert.match(status, /^state 700 toehold$/m)
        // Of the machine's files it can write its own alone.
        const mounts = yield* sh(`cat /proc/${pid}/mountinfo`)
        assert.match(mounts, / \/ \/ ro[, ]/)
        assert.match(mounts, / \/var\/lib\/toehold rw[, ]/)
        yield* sh(`kill -KILL ${pid}`)
        yield* until(property("NRestarts"), (count) => count === "1")
        yield* isReady
        assert.notStrictEqual(yield* property("MainPID"), pid)
        yield* on("systemctl", "stop", "api-worker")
        assert.deepStrictEqual(
          [yield* property("ActiveState"), yield* property("Result"), yield* property("ExecMainStatus")],
          ["inactive", "success", "0"]
        )
        assert.notInclude(yield* on("journalctl", "--unit", "api-worker", "--no-pager"), String(token))
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    300_000
  )
})
