import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Schedule } from "effect"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as MachineCatalog from "../src/MachineCatalog.ts"
import * as ServiceLog from "../src/ServiceLog.ts"

const textOf = (...names: ReadonlyArray<string>): string =>
  JSON.stringify({ machines: Object.fromEntries(names.map((name) => [name, { target: "local:" }])) })

const until = (isSo: () => boolean) =>
  Effect.repeat(Effect.sync(isSo), {
    until: (so) => so,
    schedule: Schedule.max([Schedule.spaced("20 millis"), Schedule.recurs(300)])
  })

/** A catalog of a file, the names that it knows and the log. */
const site = Effect.gen(function* () {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "machines-"))),
    (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true }))
  )
  const path = Path.join(folder, "machines.json")
  Fs.writeFileSync(path, textOf("one"))
  const log: Array<string> = []
  const context = yield* Layer.build(
    MachineCatalog.layerFile(path, { lookEvery: "20 millis" }).pipe(
      Layer.provide([NodeFileSystem.layer, ServiceLog.layer((line) => void log.push(line))])
    )
  )
  const catalog = Context.get(context, MachineCatalog.MachineCatalog)
  const names = () => catalog.of("me").map(([name]) => name)
  return { path, log, catalog, names }
})

describe("MachineCatalog.layerFile", () => {
  it.live("reads the file again when it changes, or another one takes its place", () =>
    Effect.gen(function* () {
      const { catalog, log, names, path } = yield* site
      assert.deepStrictEqual(names(), ["one"])
      Fs.writeFileSync(path, textOf("one", "two"))
      yield* until(() => names().length === 2)
      assert.deepStrictEqual(names(), ["one", "two"])
      assert.deepStrictEqual([...catalog.entries.keys()], ["one", "two"])
      Fs.writeFileSync(`${path}.new`, textOf("three"))
      Fs.renameSync(`${path}.new`, path)
      yield* until(() => names().includes("three"))
      assert.deepStrictEqual(names(), ["three"])
      assert.lengthOf(
        log.filter((line) => line.includes("read again")),
        2
      )
    }).pipe(Effect.scoped)
  )

  it.live("keeps what it has when the file becomes wrong or goes, and says so once", () =>
    Effect.gen(function* () {
      const { log, names, path } = yield* site
      let said = 0
      for (const text of ["{", '{"machines":{"a":{"tarjet":"secret-value"}}}', undefined]) {
        if (text === undefined) Fs.rmSync(path)
        else Fs.writeFileSync(path, text)
        said += 1
        yield* until(() => log.length === said)
        assert.deepStrictEqual(names(), ["one"])
      }
      yield* Effect.sleep("200 millis")
      assert.lengthOf(log, 3)
      assert.isTrue(log.every((line) => line.includes("stands") && line.includes(path)))
      assert.notInclude(log.join("\n"), "secret-value")
      Fs.writeFileSync(path, textOf("one", "two"))
      yield* until(() => names().length === 2)
      assert.deepStrictEqual(names(), ["one", "two"])
    }).pipe(Effect.scoped)
  )
})
