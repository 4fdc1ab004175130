import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, PlatformError, Sink } from "effect"
import { describeWith } from "@toehold/lab/RealPart"
import * as Fs from "node:fs"
import * as Path from "node:path"
import type { Endpoint } from "../src/Endpoint.ts"
import * as Transfer from "../src/Transfer.ts"
import { endOf, type Kind, services, temporary } from "./support/ends.ts"
import { bytes, file, folder, link, look, type Node, treeOf, write } from "./support/trees.ts"

const refused = PlatformError.systemError({ _tag: "PermissionDenied", module: "FileSystem", method: "sink" })

/** An end where no file can be written one by one: what arrives came as a tar stream. */
const withoutSink = (end: Endpoint): Endpoint => ({
  ...end,
  files: FileSystem.FileSystem.of({ ...end.files, sink: () => Sink.fail(refused) })
})

const many = treeOf({
  "": folder({ mtime: 1_500_000_000 }),
  ...Object.fromEntries(
    Array.from({ length: 12 }, (_, index): readonly [string, Node] => [
      `d${index}`,
      folder({ mode: 0o750, mtime: 1_200_000_000 + index })
    ])
  ),
  ...Object.fromEntries(
    Array.from({ length: 60 }, (_, index): readonly [string, Node] => [
      `d${index % 12}/file ${index}'s`,
      file(bytes(index * 100, index), { mode: index % 2 === 0 ? 0o640 : 0o711, mtime: 1_300_000_000 + index })
    ])
  ),
  "d0/locked": folder({ mode: 0o555, mtime: 1_400_000_000 }),
  [`d1/${"long".repeat(50)}`]: file("a name beyond what a header holds"),
  "d2/link": link("../d3"),
  "d3/empty": file("")
})

const suite = (from: Kind, to: Kind) => {
  it.live(`${from} to ${to}: goes as one stream, to a new path, into a folder and by sync`, () =>
    Effect.gen(function* () {
      const root = yield* temporary
      const source = Path.join(root, "source")
      write(source, many)
      const ends = { from: yield* endOf(from, "here"), to: withoutSink(yield* endOf(to, "there")) }
      const shown = (path: string) => look(path, { modes: from !== "windows" && to !== "windows" })
      const target = Path.join(root, "new")
      const copied = yield* Transfer.copy({ ...ends, sources: [source], target })
      assert.strictEqual(copied.files, 62)
      assert.deepStrictEqual(shown(target), shown(source))
      assert.strictEqual(Fs.statSync(target).mtimeMs, Fs.statSync(source).mtimeMs)
      const there = Path.join(root, "there")
      Fs.mkdirSync(there)
      yield* Transfer.copy({ ...ends, sources: [source], target: there })
      assert.deepStrictEqual(shown(Path.join(there, "source")), shown(source))
      const old = Path.join(root, "old")
      // Windows has no such modes to begin with.
      const locked = to === "windows" ? {} : { mode: 0o500 }
      const inTheWay = { d3: folder(locked), "d3/file 3's": file("another"), d5: link("/tmp"), gone: folder() }
      write(old, treeOf({ ...inTheWay, "gone/x": file("x") }))
      yield* Transfer.sync({ ...ends, source: `${source}/`, target: old, delete: true, verify: true })
      assert.deepStrictEqual(shown(old), shown(source))
    }).pipe(Effect.scoped, Effect.provide(services))
  )
}

describe("many small files", () => {
  suite("gnu", "gnu")
  suite("gnu", "windows")
  suite("windows", "gnu")
})

describeWith(["busybox"], "many small files with BusyBox", () => {
  suite("busybox", "gnu")
  suite("gnu", "busybox")
})
