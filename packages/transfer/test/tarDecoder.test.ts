import { assert, describe, it } from "@effect/vitest"
import { describeWith, path } from "@toehold/lab/RealPart"
import { Effect, Result, Schema } from "effect"
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { type TarEvent, TarDecoder } from "../src/internal/tarDecoder.ts"
import { headerOf, padding, trailerOf } from "../src/internal/tarHeader.ts"
import { archive, pax } from "./support/archives.ts"
import { temporary } from "./support/ends.ts"
import { bytes, file, folder, link, treeOf, write } from "./support/trees.ts"

/** One line for each member, its data as a number of bytes and a sum. */
const read = (data: Uint8Array, pieces: ReadonlyArray<number> = []): string | ReadonlyArray<string> => {
  const decoder = new TarDecoder()
  const lines: Array<{ text: string; length: number; sum: number }> = []
  const take = (events: ReadonlyArray<TarEvent>) => {
    for (const event of events) {
      if (event._tag === "Member") {
        const { mtime, name, size, type } = event.member
        lines.push({ text: `${type} ${JSON.stringify(name)} ${size} ${mtime}`, length: 0, sum: 0 })
        continue
      }
      const last = lines.at(-1)
      if (last === undefined) continue
      last.length += event.bytes.length
      for (const byte of event.bytes) last.sum = (last.sum * 31 + byte) % 1_000_003
    }
  }
  let at = 0
  for (let index = 0; at < data.length; index++) {
    const length = pieces.length === 0 ? data.length : Math.max(1, pieces[index % pieces.length] ?? 1)
    const result = decoder.push(data.subarray(at, at + length))
    if (Result.isFailure(result)) return `fault: ${result.failure}`
    take(result.success)
    at += length
  }
  return decoder.isWhole ? lines.map(({ length, sum, text }) => `${text} ${length} ${sum}`) : "not whole"
}

const some = archive(
  { name: "a", data: "one" },
  { name: "d/", type: "5" },
  { name: "././@LongLink", type: "L", data: `${"n".repeat(300)}\0` },
  { name: "short", data: bytes(1000) },
  { name: "pax", type: "x", data: pax("path", "é/x") + pax("mtime", "12.5") },
  { name: "short", data: "two" },
  { name: "empty pax", type: "x", data: "" },
  { name: "l", type: "2", target: "a" },
  { name: "g", type: "g", data: pax("comment", "x") },
  { name: "last" }
)

describe("a tar archive", () => {
  it("is read with its long names and times", () => {
    const names = (read(some) as ReadonlyArray<string>).map((line) => line.split(" ").slice(0, 4).join(" ")) // it is whole
    assert.deepStrictEqual(names, [
      'file "a" 3 1700000000',
      'directory "d/" 0 1700000000',
      `file "${"n".repeat(300)}" 1000 1700000000`,
      'file "é/x" 3 12.5',
      'link "l" 0 1700000000',
      'file "last" 0 1700000000'
    ])
  })

  const pieces = Schema.Array(Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 1, maximum: 1500 }))))

  it.prop("is the same in pieces of any length", { pieces }, ({ pieces }) => {
    assert.deepStrictEqual(read(some, pieces), read(some))
  })

  const change = Schema.Struct({
    at: Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 0, maximum: some.length - 1 }))),
    byte: Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 0, maximum: 255 })))
  })

  it.prop(
    "has an answer whatever its bytes are",
    { changes: Schema.Array(change), text: Schema.String },
    ({ changes, text }) => {
      const damaged = Uint8Array.from(some)
      for (const { at, byte } of changes) damaged[at] = byte
      for (const data of [damaged, damaged.subarray(0, changes[0]?.at ?? 700), new TextEncoder().encode(text)]) {
        const answer = read(data)
        assert.isTrue(typeof answer === "string" || Array.isArray(answer))
      }
    }
  )

  it("is refused where it would make us keep much, or lies about numbers", () => {
    const huge = "77777777777\0"
    assert.match(String(read(archive({ name: "x", type: "L", size: huge }))), /too long/)
    assert.match(String(read(archive({ name: "x", type: "x", size: huge }))), /too long/)
    assert.match(String(read(archive({ name: "x", size: "zzz" }))), /numbers/)
    assert.match(String(read(archive({ name: "x", size: "\u00ff".repeat(12) }))), /fault|whole/)
    for (const data of ["99999999 path=x\n", "5 a\n", "-1 a=b\n", " =", "4 =\n", "11 path=abc"]) {
      assert.match(String(read(archive({ name: "x", type: "x", data }, { name: "y" }))), /fault|file/, data)
    }
    assert.strictEqual(read(archive({ name: "x", data: "y" }).subarray(0, 600)), "not whole")
  })
})

const tree = treeOf({
  a: file("one", { mtime: 1_234_567_890 }),
  "d é": folder(),
  [`d é/${"x".repeat(99)}`]: file(bytes(5000)),
  [`d é/${"y".repeat(200)}`]: file(bytes(512)),
  [`d é/${"z".repeat(250)}`]: file(""),
  l: link("a")
})

const names = (lines: string | ReadonlyArray<string>) =>
  typeof lines === "string" ? lines : lines.map((line) => line.replace("./", "")).toSorted()

describe("archives of other programs", () => {
  for (const format of ["gnu", "oldgnu", "ustar", "pax", "posix", "v7"]) {
    it.effect(`are read: GNU tar's ${format}`, () =>
      Effect.gen(function* () {
        const root = yield* temporary
        write(root, tree)
        const short = format === "v7" || format === "ustar"
        const some = [...tree.keys()].filter((name) => !short || name.length < 90).map((name) => `./${name}`)
        const made = ChildProcess.spawnSync("tar", [`--format=${format}`, "--no-recursion", "-cf", "-", ...some], {
          cwd: root
        })
        assert.strictEqual(made.status, 0, made.stderr.toString())
        const seen = names(read(made.stdout))
        assert.lengthOf(seen, some.length)
        for (const name of some) {
          const size = Fs.lstatSync(Path.join(root, name)).isFile() ? Fs.statSync(Path.join(root, name)).size : 0
          assert.isTrue(
            (seen as ReadonlyArray<string>).some(
              (line) => line.includes(JSON.stringify(name.slice(2)).slice(1, -1)) && line.includes(` ${size} `)
            ), // it is no fault
            name
          )
        }
      }).pipe(Effect.scoped)
    )
  }
})

describeWith(["busybox"], "archives for other programs", () => {
  it.effect("are unpacked by GNU's and by BusyBox's tar", () =>
    Effect.gen(function* () {
      const root = yield* temporary
      const entries = [...tree].flatMap(([path, node]) =>
        node.type === "file"
          ? [{ path, type: "file" as const, size: node.data.length, mode: 0o640, mtime: node.mtime, data: node.data }]
          : []
      )
      const packed = entries.flatMap((entry) => [headerOf(entry, 0o640), entry.data, padding(entry.size)])
      const whole = Buffer.concat(packed)
      const input = Buffer.concat([whole, trailerOf(whole.length)])
      assert.strictEqual(input.length % 10_240, 0)
      for (const [name, command] of [
        ["gnu", ["tar"]],
        ["busybox", [path("busybox"), "tar"]]
      ] as const) {
        const target = Path.join(root, name)
        Fs.mkdirSync(target)
        const [program = "", ...args] = [...command, "-xpof", "-"]
        const ran = ChildProcess.spawnSync(program, args, { cwd: target, input })
        assert.strictEqual(`${ran.stderr.toString()}${ran.status}`, "0")
        for (const { data, mtime, path } of entries) {
          const stat = Fs.statSync(Path.join(target, path))
          assert.deepStrictEqual([stat.mode & 0o777, stat.mtimeMs / 1000], [0o640, mtime])
          assert.isTrue(Buffer.from(data).equals(Fs.readFileSync(Path.join(target, path))))
        }
      }
    }).pipe(Effect.scoped)
  )
})
