import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import * as InProcessServer from "@toehold/lab/InProcessServer"
import { describeWith } from "@toehold/lab/RealPart"
import * as Fs from "node:fs"
import { close, jsonOf, layerWith, open, planted, VastLab } from "./support/vast.ts"

interface Finding {
  readonly cause: string
  readonly verdict: string
  readonly fix: string
}

interface Diagnosis extends Finding {
  readonly stages: ReadonlyArray<{ readonly name: string; readonly ok: boolean; readonly detail: string }>
  readonly others?: ReadonlyArray<Finding>
}

/** A key that neither the account nor an instance knows. */
const strange = Effect.gen(function* () {
  const { folder, knownHosts, run } = yield* VastLab
  const file = `${folder}/id_strange`
  if (!Fs.existsSync(file)) yield* run(["keys", "generate", file])
  return ["-F", "none", "--known-hosts", knownHosts, "-i", file]
})

const diagnose = Effect.fnUntraced(function* (id: number, login: ReadonlyArray<string>) {
  const { run } = yield* VastLab
  const ran = yield* run(["doctor", `vast:${id}`, "--json", ...login])
  const { cause, fix, others = [], stages, verdict } = jsonOf<Diagnosis>(ran)
  return { ...ran, cause, fix, others, stages, verdict, names: stages.map(({ name, ok }) => `${name} ${ok}`) }
})

/** What follows `toehold` in a fix, up to a comma or a dash. */
const commandsIn = (fix: string) => [...fix.matchAll(/toehold ((?:[a-z-]+ )+)/g)].map(([, words = ""]) => words.trim())

describeWith(["sshd", "private-accounts"], "doctor of vast:ID", () => {
  it.layer(layerWith(), { excludeTestServices: true })((it) => {
    it.effect("says of a stopped instance that it is stopped, whatever the keys are, and shows both", () =>
      Effect.gen(function* () {
        const { login, run, simulator } = yield* VastLab
        const instance = yield* simulator.rent()
        yield* instance.settled
        yield* simulator.order(instance.id, "stop")
        yield* instance.settled
        const known = yield* diagnose(instance.id, login)
        assert.deepStrictEqual(
          [known.cause, known.exitCode, known.names, known.others],
          ["instance", 69, ["api true", "keys true", "status false"], []]
        )
        const unknown = yield* diagnose(instance.id, yield* strange)
        assert.deepStrictEqual(
          [unknown.cause, unknown.names, unknown.others.map(({ cause }) => cause)],
          ["instance", ["api true", "keys false", "status false"], ["key"]]
        )
        assert.include(unknown.fix, `toehold vast start ${instance.id}`)
        assert.include(unknown.others[0]?.fix ?? "", `toehold keys install vast:${instance.id}`)
        for (const { fix } of [unknown, ...unknown.others]) {
          const commands = commandsIn(fix)
          assert.isNotEmpty(commands, fix)
          for (const command of commands) {
            assert.strictEqual((yield* run([...command.split(" "), "--help"])).exitCode, 0, command)
          }
        }
        const text = yield* run(["doctor", `vast:${instance.id}`, ...(yield* strange)])
        assert.match(text.stdout, /At fault: instance\.[^]*And: key\./)
      })
    )

    it.effect("knows a key that is missing, an instance that comes up, a container that can't, and who is gone", () =>
      Effect.gen(function* () {
        const { login, run, simulator } = yield* VastLab
        const instance = yield* simulator.rent()
        yield* instance.settled
        const missing = yield* diagnose(instance.id, yield* strange)
        assert.deepStrictEqual([missing.cause, missing.exitCode], ["key", 77])
        assert.include(missing.names, "auth false")
        const install = /toehold (keys install vast:\d+ \S+)/.exec(missing.fix)?.[1]?.split(" ") ?? []
        assert.strictEqual((yield* run(install)).exitCode, 0, missing.fix)
        yield* run(["vast", "wait", `${instance.id}`, "--interval", "50ms", ...(yield* strange)])
        const mended = yield* diagnose(instance.id, yield* strange)
        assert.deepStrictEqual([mended.exitCode, mended.cause], [0, undefined], mended.stdout)

        const loading = yield* simulator.rent({ fate: "loads" })
        yield* loading.settled
        const early = yield* diagnose(loading.id, login)
        assert.deepStrictEqual([early.cause, early.exitCode], ["timing", 75])
        assert.include(early.fix, `toehold vast wait ${loading.id}`)

        const broken = yield* simulator.rent({ fate: "container-error" })
        yield* broken.settled
        const failed = yield* diagnose(broken.id, login)
        assert.strictEqual(failed.cause, "instance")
        assert.include(failed.fix, `toehold vast destroy ${broken.id}`)

        const gone = yield* diagnose(49_999_999, login)
        assert.deepStrictEqual([gone.cause, gone.names.at(-1)], ["instance", "status false"])
      })
    )

    it.effect(
      "tells ports that are not open yet from ports behind a firewall, and offers the way around it",
      () =>
        Effect.gen(function* () {
          const { login, run, simulator } = yield* VastLab
          const instance = yield* simulator.rent()
          yield* instance.settled
          yield* close(instance.direct)
          yield* close(instance.proxy)
          const early = yield* diagnose(instance.id, login)
          assert.deepStrictEqual([early.cause, early.names.at(-1)], ["timing", "ports false"])
          const walled = yield* simulator.rent({ doors: { direct: "drop", proxy: "drop" } })
          yield* walled.settled
          // A key that is missing too is no reason to look elsewhere first.
          const filtered = yield* diagnose(walled.id, yield* strange)
          assert.deepStrictEqual([filtered.cause, filtered.names.at(-1)], ["firewall", "ports false"])
          assert.deepStrictEqual(
            filtered.others.map(({ cause }) => cause),
            ["key"]
          )
          assert.include(filtered.fix, `toehold up vast:${walled.id} -J `)

          // A jump host on the other side of the wall.
          const jump = yield* InProcessServer.make({
            leadsTo: (_, port) => [walled.direct, walled.proxy].find((address) => address?.port === port)?.behind()
          })
          const through = ["-J", `${jump.user}@${jump.host}:${jump.port}`]
          const words = yield* loginThrough(jump.privateKeyPath)
          const around = yield* diagnose(walled.id, [...words, ...through])
          assert.deepStrictEqual([around.exitCode, around.cause], [0, undefined], around.stdout)
          const up = ["up", `vast:${walled.id}`, "--no-app", "--secret", "HF_TOKEN", "--json", ...words, ...through]
          const came = yield* run(up, { platform: { env: { HF_TOKEN: planted } } })
          assert.strictEqual(came.exitCode, 0, came.stdout)
          yield* open(instance.direct)
          yield* open(instance.proxy)
        }).pipe(Effect.scoped),
      90_000
    )

    it.effect("says of a jump host that lets nobody in that it is that", () =>
      Effect.gen(function* () {
        const { login, simulator } = yield* VastLab
        const instance = yield* simulator.rent()
        yield* instance.settled
        const jump = yield* InProcessServer.make({})
        const refused = yield* diagnose(instance.id, [...login, "-J", `${jump.user}@${jump.host}:${jump.port}`])
        assert.deepStrictEqual([refused.cause, refused.names.at(-1)], ["key", "ports false"])
        assert.include(refused.verdict, "jump host")
      }).pipe(Effect.scoped)
    )
  })
})

/** The lab's own login, by a configuration that gives jump hosts their own key. */
const loginThrough = Effect.fnUntraced(function* (jumpKey: string) {
  const { folder, keyFile, knownHosts } = yield* VastLab
  const config = `${folder}/config`
  Fs.writeFileSync(config, `Host *\n  IdentityFile ${jumpKey}\n`, { mode: 0o600 })
  return ["-F", config, "--known-hosts", knownHosts, "-i", keyFile]
})
