import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { describeWith } from "@toehold/lab/RealPart"
import * as Path from "node:path"
import * as Transfer from "../src/Transfer.ts"
import { endOf, type Kind, services, temporary } from "./support/ends.ts"
import { anyTree, look, type Spec, write } from "./support/trees.ts"

/** What no end drops: the setuid bit goes on purpose. */
const expected = (lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  lines.map((line) => line.replace(" 4755 ", " 755 "))

const pairs: ReadonlyArray<readonly [Kind, Kind]> = [
  ["gnu", "gnu"],
  ["none", "gnu"],
  ["gnu", "none"]
]
const busyboxPairs: ReadonlyArray<readonly [Kind, Kind]> = [
  ["busybox", "gnu"],
  ["gnu", "busybox"],
  ["busybox", "busybox"]
]

const suite = (from: Kind, to: Kind) => {
  it.live.prop(
    `${from} to ${to}: a copy is the tree, to a new path and into a folder, and a second sync sends nothing`,
    { tree: anyTree },
    ({ tree }) => arrives(from, to, tree),
    { arbitrary: { runs: 12 } }
  )
}

const arrives = (from: Kind, to: Kind, tree: Spec) =>
  Effect.gen(function* () {
    const root = yield* temporary
    const source = Path.join(root, "source")
    write(source, tree)
    const ends = { from: yield* endOf(from, "here"), to: yield* endOf(to, "there") }
    const whole = expected(look(source))
    const target = Path.join(root, "copy")
    yield* Transfer.copy({ ...ends, sources: [source], target })
    assert.deepStrictEqual(look(target), whole)
    // Into the folder, and from there on the same thing again changes nothing.
    yield* Transfer.copy({ ...ends, sources: [source], target })
    assert.deepStrictEqual(look(Path.join(target, "source")), whole)
    const again = yield* Transfer.copy({ ...ends, sources: [`${source}/`], target: Path.join(target, "source") })
    assert.strictEqual(again.files, 0)
    const synced = Path.join(root, "synced")
    yield* Transfer.sync({ ...ends, source: `${source}/`, target: synced })
    assert.deepStrictEqual(look(synced), whole)
    const second = yield* Transfer.sync({ ...ends, source: `${source}/`, target: synced, delete: true })
    assert.deepInclude(second, { files: 0, links: 0, folders: 0, deleted: [] })
    // Nothing of ours stays behind.
    assert.deepStrictEqual(
      look(root).filter((line) => line.includes('".toehold-') || line.includes("/.toehold-")),
      []
    )
  }).pipe(Effect.scoped, Effect.provide(services))

describe("any tree", () => {
  for (const [from, to] of pairs) suite(from, to)
})

describeWith(["busybox"], "any tree with BusyBox", () => {
  for (const [from, to] of busyboxPairs) suite(from, to)
})
