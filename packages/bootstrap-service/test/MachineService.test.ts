import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import * as RealPart from "@toehold/lab/RealPart"
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as MachineFacts from "../src/MachineFacts.ts"
import * as MachineService from "../src/MachineService.ts"
import { conformance } from "./support/serviceSuite.ts"
import { layer, Site } from "./support/site.ts"

const jobs: MachineService.Place = { manager: "jobs" }

describe("MachineService", () => {
  it.layer(layer(), { excludeTestServices: true })("by jobs", (it) => {
    it.effect("starts, keeps, replaces, restarts and stops a service", () => conformance(jobs))
  })

  it.layer(layer(), { excludeTestServices: true })("by jobs", (it) => {
    it.effect("starts one that ended again, once for all who ask", () =>
      Effect.gen(function* () {
        const { home } = yield* Site
        const short = { name: "short", command: "echo start >>starts; sleep 0.5; exit 3", cwd: home }
        yield* MachineService.ensure(short, jobs)
        yield* Effect.sleep("1 second")
        const ended = yield* MachineService.status("short", jobs)
        assert.deepStrictEqual([ended.state, ended.detail], ["ended", "ended with exit code 3"])
        yield* Effect.forEach([1, 2, 3, 4], () => MachineService.ensure(short, jobs), { concurrency: 4 })
        assert.strictEqual(Fs.readFileSync(Path.join(home, "starts"), "utf8"), "start\nstart\n")
        const invalid = yield* Effect.flip(MachineService.ensure({ ...short, name: "../x" }, jobs))
        assert.strictEqual(invalid.reason._tag, "MachineFailed")
      })
    )
  })
})

/** Programs see the folder of a supervisor of our own where the machine's would be. */
const enter = (folder: string): ReadonlyArray<string> => [
  RealPart.path("private-accounts"),
  ...RealPart.namespaceArguments,
  "sh",
  "-c",
  'mkdir -p "$0/conf.d" && mount --bind "$0/conf.d" /etc/supervisor/conf.d && exec "$@"',
  folder
]

RealPart.describeWith(["supervisord", "private-accounts"], "MachineService by a real supervisor", () => {
  it.layer(layer({ enter }), { excludeTestServices: true })((it) => {
    it.effect(
      "starts, keeps, replaces, restarts and stops a service",
      () =>
        Effect.gen(function* () {
          const { folder, home, program } = yield* Site
          Fs.mkdirSync(Path.join(folder, "conf.d"), { recursive: true })
          const conf = Path.join(folder, "supervisord.conf")
          Fs.writeFileSync(
            conf,
            `[unix_http_server]
file=${folder}/sock
[supervisord]
logfile=${folder}/log
pidfile=${folder}/pid
nodaemon=true
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://${folder}/sock
[include]
files = ${folder}/conf.d/*.conf
`
          )
          program("supervisorctl", `exec /usr/bin/supervisorctl -c ${conf} "$@"`)
          yield* Effect.acquireRelease(
            Effect.sync(() =>
              spawn(RealPart.path("supervisord"), ["-c", conf], {
                stdio: "ignore",
                env: { ...process.env, HOME: home, TOEHOLD_TEST_SITE: folder }
              })
            ),
            (daemon) =>
              Effect.callback<void>((resume) => {
                daemon.once("exit", () => resume(Effect.void))
                daemon.kill("SIGTERM")
              })
          )
          const facts = yield* MachineFacts.gather({ workspaces: ["~/workspace"] }).pipe(
            Effect.repeat({
              until: ({ manager }) => manager === "supervisor",
              times: 50,
              schedule: Schedule.spaced("100 millis")
            })
          )
          assert.strictEqual(facts.manager, "supervisor")
          yield* conformance({ manager: facts.manager })
          assert.deepStrictEqual(Fs.readdirSync(Path.join(folder, "conf.d")), [])
        }).pipe(Effect.scoped),
      // Each call of its control program starts a Python.
      120_000
    )
  })
})
