import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule, Schema } from "effect"
import * as Path from "node:path"
import * as Transfer from "../src/Transfer.ts"
import { withLine } from "./support/cuts.ts"
import { endOf, type Kind, services, temporary } from "./support/ends.ts"
import { anyTree, bytes, file, folder, look, type Spec, treeOf, write } from "./support/trees.ts"

const retry = Schedule.spaced("1 millis").pipe(Schedule.upTo({ times: 30 }))

const cut = Schema.Struct({
  first: Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 0, maximum: 60 }))),
  more: Schema.Array(Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 0, maximum: 40 })))).pipe(
    Schema.check(Schema.isMaxLength(6))
  ),
  down: Schema.Literals([0, 1, 3])
})

const cutTest = (kinds: readonly [Kind, Kind], tree: Spec, { down, first, more }: typeof cut.Type) =>
  Effect.gen(function* () {
    const root = yield* temporary
    const source = Path.join(root, "source")
    const target = Path.join(root, "target")
    write(source, tree)
    const here = yield* endOf(kinds[0], "here")
    const there = withLine(yield* endOf(kinds[1], "there"), { cuts: [first, ...more], down })
    yield* Transfer.copy({ from: here, sources: [source], to: there, target, retry })
    const shown = look(source).map((line) => line.replace(" 4755 ", " 755 "))
    assert.deepStrictEqual(look(target), shown)
    const back = Path.join(root, "back")
    const far = withLine(yield* endOf(kinds[1], "there"), { cuts: [first, ...more], down })
    yield* Transfer.sync({ from: far, source: `${target}/`, to: here, target: back, retry })
    assert.deepStrictEqual(look(back), shown)
    assert.deepStrictEqual(
      look(root).filter((line) => /[/"]\.toehold-/.test(line)),
      []
    )
  }).pipe(Effect.scoped, Effect.provide(services))

describe("a connection that is cut at any point", () => {
  for (const kinds of [
    ["gnu", "gnu"],
    ["gnu", "none"]
  ] as const) {
    it.live.prop(
      `costs no file and leaves none behind (${kinds.join(" to ")})`,
      { tree: anyTree, cut },
      ({ cut, tree }) => cutTest(kinds, tree, cut),
      { arbitrary: { runs: 20 } }
    )
  }

  it.live("gives every folder its mode, also those that an earlier attempt came to", () =>
    cutTest(
      ["none", "none"],
      treeOf({ a: folder({ mode: 0o777 }), "a/b": folder({ mode: 0o775 }), "a/b/c": folder({ mode: 0o1777 }) }),
      { first: 18, more: [], down: 0 }
    )
  )

  it.live.prop(
    "costs a large file nothing but what was under way",
    { cut },
    ({ cut }) => cutTest(["gnu", "gnu"], treeOf({ large: file(bytes(1_500_000)), small: file("x") }), cut),
    { arbitrary: { runs: 10 } }
  )

  it.live("leaves each byte counted once, whichever step it stops", () =>
    Effect.gen(function* () {
      const root = yield* temporary
      const source = Path.join(root, "source")
      const size = 1_500_000
      write(root, treeOf({ source: file(bytes(size)) }))
      const here = yield* endOf("gnu", "here")
      const far = yield* endOf("gnu", "there")
      for (let at = 0; ; at++) {
        const there = withLine(far, { cuts: [at], down: 0 })
        const seen: Array<number> = []
        const done = yield* Transfer.copy({
          from: here,
          sources: [source],
          to: there,
          target: Path.join(root, `target ${at}`),
          verify: true,
          onProgress: (progress) => Effect.sync(() => void seen.push(progress.bytes)),
          retry
        })
        assert.deepStrictEqual([done.bytes, seen.at(-1), Math.max(...seen) <= size], [size, size, true], `cut ${at}`)
        if (there.counted() <= at) break
      }
    }).pipe(Effect.scoped, Effect.provide(services))
  )
})
