import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { planted, type ErrorDocument, jsonOf, layerWith, VastLab } from "./support/vast.ts"
import * as Fs from "node:fs"
import type { Keyboard } from "../src/StandardStreams.ts"

interface Shown {
  readonly id: number
  readonly actual_status: string | null
  readonly label: string | null
  readonly ssh: ReadonlyArray<{ readonly kind: string; readonly host: string; readonly port: number }>
}

const typing = (text: string): Keyboard => ({
  raw: Effect.void,
  keys: Stream.concat(Stream.fromIterable([...text].map((key) => new TextEncoder().encode(key))), Stream.never)
})

const terminal = { columns: 80, rows: 24 }

describe("toehold vast", () => {
  it.layer(layerWith({ servers: "in-process" }), { excludeTestServices: true })((it) => {
    it.effect("searches for offers by flags, as a document and as a table that fits the terminal", () =>
      Effect.gen(function* () {
        const { run, simulator } = yield* VastLab
        const flags = [
          "--gpu",
          "RTX_4090",
          "--max-price",
          "5",
          "--min-gpu-ram",
          "8",
          "--order",
          "dph_total",
          "--limit",
          "2"
        ]
        const found = jsonOf<{ offers: ReadonlyArray<{ id: number; gpu_name: string }> }>(
          yield* run(["vast", "offers", ...flags, "--json"])
        )
        assert.isAbove(found.offers.length, 0)
        for (const { gpu_name } of found.offers) assert.strictEqual(gpu_name, "RTX 4090")
        const asked = (yield* simulator.requests).at(-1)
        assert.deepInclude(asked?.body as object, {
          gpu_name: { in: ["RTX 4090"] },
          dph_total: { lte: 5 },
          gpu_ram: { gte: 8000 },
          verified: { eq: true },
          order: [["dph_total", "asc"]],
          limit: 2
        })
        const table = yield* run(["vast", "offers", ...flags], { terminal })
        assert.match(table.stdout, /^ *ID  GPU +VRAM +\$\/H/)
        for (const line of table.stdout.split("\n")) assert.isAtMost(line.length, terminal.columns, line)
        assert.strictEqual((yield* run(["vast", "offers", "--gpu", "NOPE"])).stdout.startsWith("No offer fits"), true)
      })
    )

    it.effect("refuses flags that name nothing", () =>
      Effect.gen(function* () {
        const { run, simulator } = yield* VastLab
        const before = (yield* simulator.requests).length
        for (const flags of [
          ["--where", "nope=1"],
          ["--where", "dlperf>=many"],
          ["--where", "dlperf"],
          ["--order", "nope"],
          ["--max-price", "cheap"],
          ["--region", "Sweden"],
          ["--limit", "0"]
        ]) {
          const ran = yield* run(["vast", "offers", ...flags])
          assert.deepStrictEqual([ran.exitCode, ran.stdout], [64, ""], flags.join(" "))
        }
        assert.strictEqual((yield* simulator.requests).length, before)
      })
    )

    it.effect("takes an instance through its life", () =>
      Effect.gen(function* () {
        const { run, simulator } = yield* VastLab
        // Long enough to be seen loading on a busy machine.
        yield* simulator.setDelays({ load: 2500 })
        const { offers } = jsonOf<{ offers: ReadonlyArray<{ id: number }> }>(yield* run(["vast", "offers", "--json"]))
        const made = jsonOf<{ instance: number; label: string; adopted: boolean }>(
          yield* run(["vast", "create", `${offers[0]?.id}`, "--image", "vastai/base-image", "--label", "box", "--json"])
        )
        assert.match(made.label, /^box toehold-/)
        const id = `${made.instance}`
        const waited = yield* run(["vast", "wait", id, "--for", "running", "--interval", "10ms", "--json"])
        assert.strictEqual(waited.exitCode, 0, waited.stderr)
        assert.include(waited.stderr, `instance ${id} is `)
        assert.deepInclude(jsonOf<object>(waited), { instance: made.instance, goal: "running", status: "running" })
        const shown = jsonOf<Shown>(yield* run(["vast", "show", `vast:${id}`, "--json"]))
        assert.deepStrictEqual([shown.id, shown.label], [made.instance, made.label])
        assert.deepStrictEqual(
          shown.ssh.map(({ kind }) => kind),
          ["direct", "proxy"]
        )
        const url = yield* run(["vast", "ssh-url", id])
        assert.strictEqual(url.stdout, `ssh://root@${shown.ssh[0]?.host}:${shown.ssh[0]?.port}\n`)
        const proxy = yield* run(["vast", "scp-url", id, "--route", "proxy"])
        assert.strictEqual(proxy.stdout, `scp://root@${shown.ssh[1]?.host}:${shown.ssh[1]?.port}\n`)
        const { instances } = jsonOf<{ instances: ReadonlyArray<Shown> }>(yield* run(["vast", "instances", "--json"]))
        assert.include(
          instances.map((one) => one.id),
          made.instance
        )
        assert.include((yield* run(["vast", "instances"])).stdout, id)
        assert.include((yield* run(["vast", "show", id])).stdout, "ssh direct")
        assert.strictEqual((yield* run(["vast", "label", id, "other"])).exitCode, 0)
        assert.strictEqual(jsonOf<Shown>(yield* run(["vast", "show", id, "--json"])).label, "other")
        for (const action of ["reboot", "stop", "start"]) {
          const ran = yield* run(["vast", action, id, "--json"])
          assert.deepStrictEqual(jsonOf<object>(ran), { instance: made.instance, action, status: "requested" })
        }
        assert.include((yield* run(["vast", "execute", id, "ls -l /"])).stdout, "\n")
        assert.strictEqual((yield* run(["vast", "logs", id, "--tail", "5"])).exitCode, 0)
        const gone = yield* run(["vast", "destroy", id, "--yes", "--json"])
        assert.deepStrictEqual(jsonOf<object>(gone), {
          instance: made.instance,
          action: "destroy",
          status: "destroyed"
        })
        const again = yield* run(["vast", "destroy", id, "--yes"])
        assert.deepStrictEqual([again.exitCode, again.stdout], [0, `Instance ${id} was gone already.\n`])
      })
    )

    it.effect("destroys and recycles nothing that nobody has confirmed, and says what it would do", () =>
      Effect.gen(function* () {
        const { run, simulator } = yield* VastLab
        const { id } = yield* simulator.rent({ label: "precious" })
        const count = Effect.map(
          simulator.requests,
          (all) => all.filter(({ endpoint }) => endpoint.startsWith("DELETE") || endpoint.includes("recycle")).length
        )
        const before = yield* count
        for (const action of ["destroy", "recycle"]) {
          const ran = yield* run(["vast", action, `${id}`, "--json"])
          assert.strictEqual(ran.exitCode, 64)
          const { error } = jsonOf<ErrorDocument>(ran)
          assert.include(error.message, `instance ${id}`)
          assert.include(error.message, "precious")
          assert.include(error.message, "lost for good")
          assert.deepStrictEqual([error.outcome, error.fix.includes("--yes")], ["did-not-run", true])
          const no = yield* run(["vast", action, `${id}`], { terminal, keyboard: typing("n\r") })
          assert.deepStrictEqual([no.exitCode, no.stdout], [1, ""])
          assert.include(no.stderr, "Go on? [y/N]")
          const inCi = { terminal, keyboard: typing("y\r"), platform: { env: { CI: "true" } } }
          assert.strictEqual((yield* run(["vast", action, `${id}`], inCi)).exitCode, 64)
        }
        assert.strictEqual(yield* count, before)
        const yes = yield* run(["vast", "destroy", `${id}`], { terminal, keyboard: typing("y\n") })
        assert.deepStrictEqual([yes.exitCode, yes.stdout], [0, `Instance ${id} is destroyed.\n`])
      })
    )

    it.effect("keeps keys and variables of the account, whose values nobody sees", () =>
      Effect.gen(function* () {
        const { folder, keyFile, run, simulator } = yield* VastLab
        const { id } = yield* simulator.rent()
        interface Keys {
          readonly keys: ReadonlyArray<{ readonly id: number; readonly fingerprint: string }>
        }
        const { keys } = jsonOf<Keys>(yield* run(["vast", "keys", "list", "--json"]))
        assert.match(keys[0]?.fingerprint ?? "", /^SHA256:/)
        const present = jsonOf<{ id: number; status: string }>(
          yield* run(["vast", "keys", "add", `${keyFile}.pub`, "--json"])
        )
        assert.deepStrictEqual([present.id, present.status], [keys[0]?.id, "present"])
        const made = yield* run(["keys", "generate", `${folder}/id_second`, "--json"])
        assert.strictEqual(made.exitCode, 0, made.stderr)
        const added = jsonOf<{ id: number; status: string }>(
          yield* run(["vast", "keys", "add", `${folder}/id_second`, "--json"])
        )
        assert.strictEqual(added.status, "added")
        const attach = ["vast", "keys", "attach", `${id}`, `${folder}/id_second.pub`, "--json"]
        assert.strictEqual(jsonOf<{ status: string }>(yield* run(attach)).status, "attached")
        assert.strictEqual(jsonOf<{ status: string }>(yield* run(attach)).status, "already-attached")
        const install = (key: string) =>
          Effect.map(run(["keys", "install", `vast:${id}`, key, "--json"]), (ran) =>
            jsonOf<{ status: string; key: { fingerprint: string } }>(ran)
          )
        yield* run(["keys", "generate", `${folder}/id_third`])
        const installed = yield* install(`${folder}/id_third.pub`)
        assert.strictEqual(installed.status, "added")
        // A private key alone will do: its public half is what is sent.
        Fs.rmSync(`${folder}/id_third.pub`)
        assert.deepStrictEqual(yield* install(`${folder}/id_third`), { ...installed, status: "present" })
        const byFlag = yield* run(["keys", "install", `vast:${id}`, "-i", `${folder}/id_third`, "--json"])
        assert.deepStrictEqual(jsonOf<object>(byFlag), { ...installed, status: "present" })
        const sentKeys = (yield* simulator.requests).filter(({ path }) => path.endsWith(`/${id}/ssh/`))
        assert.notInclude(JSON.stringify(sentKeys), "PRIVATE")
        const there = jsonOf<Keys>(yield* run(["vast", "keys", "list", `${id}`, "--json"]))
        assert.isAtLeast(there.keys.length, 1)
        const last = there.keys.at(-1)?.id
        assert.strictEqual((yield* run(["vast", "keys", "detach", `${id}`, `${last}`])).exitCode, 0)
        const asked = yield* run(["vast", "keys", "remove", `${added.id}`])
        assert.strictEqual(asked.exitCode, 64)
        assert.include(asked.stderr, "SHA256:")
        assert.strictEqual((yield* run(["vast", "keys", "remove", `${added.id}`, "--yes"])).exitCode, 0)

        const set = yield* run(["vast", "env", "set", "HF_TOKEN", "--value-env", "MINE", "--json"], {
          platform: { env: { MINE: planted } }
        })
        assert.deepStrictEqual(jsonOf<object>(set), { name: "HF_TOKEN", status: "created" })
        const byInput = yield* run(["vast", "env", "set", "HF_TOKEN", "--value-file", "-", "--json"], {
          stdin: new TextEncoder().encode(`${planted}\n`)
        })
        assert.deepStrictEqual(jsonOf<object>(byInput), { name: "HF_TOKEN", status: "updated" })
        const sent = (yield* simulator.requests).filter(({ path }) => path.includes("secrets")).map(({ body }) => body)
        assert.include(JSON.stringify(sent.at(-1)), `"${planted}"`)
        const listed = yield* run(["vast", "env", "list", "--json"])
        assert.deepStrictEqual(jsonOf<object>(listed), { variables: ["HF_TOKEN"] })
        assert.strictEqual((yield* run(["vast", "env", "set", `HF=${planted}`, "--value-env", "X"])).exitCode, 64)
        assert.strictEqual((yield* run(["vast", "env", "remove", "HF_TOKEN", "--yes"])).exitCode, 0)
      })
    )
  })
})
