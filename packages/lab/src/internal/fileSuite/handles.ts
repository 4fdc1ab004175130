/** Open files: positions, flags, lengths, ends. */
import { assert } from "@effect/vitest"
import { Effect, Exit, type FileSystem, Option, Scope } from "effect"
import { bytes, fails, type Group, inFolder, permissions, sameBytes, text } from "./place.ts"

const string = (data: Option.Option<Uint8Array>): string =>
  Option.match(data, { onNone: () => "<end>", onSome: (value) => Buffer.from(value).toString() })

export const handles: Group = (it, capabilities) => {
  it.effect("reads on from where it stopped, from where it is told to, and to the end", () =>
    inFolder(capabilities, (fs, folder) =>
      Effect.gen(function* () {
        yield* fs.writeFileString(`${folder}/a`, "0123456789")
        const file = yield* fs.open(`${folder}/a`)
        assert.strictEqual(string(yield* file.readAlloc(3)), "012")
        const buffer = new Uint8Array(4)
        assert.strictEqual(yield* file.read(buffer), 4)
        assert.strictEqual(Buffer.from(buffer).toString(), "3456")
        assert.strictEqual(string(yield* file.readAlloc(2, { position: 1n })), "12")
        assert.strictEqual(yield* file.read(buffer, { position: 8n }), 2)
        assert.strictEqual(string(yield* file.readAlloc(100)), "789")
        assert.strictEqual(string(yield* file.readAlloc(100)), "<end>")
        assert.strictEqual(yield* file.read(buffer), 0)
        assert.strictEqual(yield* file.read(buffer, { position: 1000n }), 0)
        assert.strictEqual(yield* file.seek(-4n, "current"), 6n)
        assert.strictEqual(string(yield* file.readAlloc(2)), "67")
        assert.strictEqual(yield* file.seek(2n, "start"), 2n)
        yield* fails(file.seek(-1n, "start"), "BadArgument")
        yield* fails(file.seek(-3n, "current"), "BadArgument")
        assert.strictEqual(yield* file.read(new Uint8Array(0)), 0)
        assert.strictEqual(string(yield* file.readAlloc(1)), "2")
        assert.strictEqual(string(yield* file.readAlloc(0)), "<end>")
        yield* fails(file.readAlloc(-1), "BadArgument")
        yield* fails(file.readAlloc(1, { position: -1n }), "BadArgument")
        yield* fails(file.read(buffer, { position: -1n }), "BadArgument")
        yield* fails(file.write(text("x")), "Unknown")
        yield* fails(file.truncate(1), "Unknown")
        assert.strictEqual(Number((yield* file.stat).size), 10)
      })
    )
  )

  it.effect("writes on from where it stopped, and over what is there", () =>
    inFolder(capabilities, (fs, folder) =>
      Effect.gen(function* () {
        const path = `${folder}/a`
        const file = yield* fs.open(path, { flag: "w+", mode: 0o640 })
        assert.strictEqual(yield* file.write(text("abc")), 3)
        yield* file.writeAll(text("defgh"))
        yield* file.writeAll(new Uint8Array(0))
        assert.strictEqual(yield* fs.readFileString(path), "abcdefgh")
        yield* file.seek(1n, "start")
        yield* file.writeAll(text("XY"))
        assert.strictEqual(string(yield* file.readAlloc(9)), "defgh")
        yield* file.sync
        yield* file.seek(10n, "start")
        yield* file.writeAll(text("!"))
        sameBytes(yield* fs.readFile(path), text("aXYdefgh\0\0!"))
        yield* file.truncate(4)
        // The position was past the end, and moved to it.
        yield* file.writeAll(text("+"))
        assert.strictEqual(yield* fs.readFileString(path), "aXYd+")
        yield* file.truncate()
        assert.strictEqual(Number((yield* file.stat).size), 0)
        yield* file.truncate(3)
        sameBytes(yield* fs.readFile(path), new Uint8Array(3))
        assert.strictEqual(permissions((yield* file.stat).mode), "640")
        assert.strictEqual((yield* file.stat).type, "File")
      })
    )
  )

  it.effect("opens with each flag as open(2) has it", () =>
    inFolder(capabilities, (fs, folder) =>
      Effect.gen(function* () {
        const flags: ReadonlyArray<FileSystem.OpenFlag> = ["r", "r+", "w", "w+", "wx", "wx+", "a", "a+", "ax", "ax+"]
        for (const flag of flags) {
          const old = `${folder}/old ${flag}`
          yield* fs.writeFileString(old, "old")
          const exclusive = flag.includes("x")
          const reads = flag === "r" || flag.includes("+")
          const writes = flag !== "r"
          if (exclusive) yield* fails(fs.open(old, { flag }), "AlreadyExists")
          if (flag.startsWith("r")) yield* fails(fs.open(`${folder}/none`, { flag }), "NotFound")
          const path = exclusive ? `${folder}/new ${flag}` : old
          const file = yield* fs.open(path, { flag })
          const before = flag.startsWith("w") || exclusive ? "" : "old"
          assert.strictEqual(yield* fs.readFileString(path), before, flag)
          yield* writes ? file.writeAll(text("new")) : fails(file.writeAll(text("new")), "Unknown")
          const after = !writes ? "old" : flag.startsWith("a") ? `${before}new` : "new"
          assert.strictEqual(yield* fs.readFileString(path), after, flag)
          const read = file.readAlloc(10, { position: 0n })
          if (reads) assert.strictEqual(string(yield* read), after, flag)
          else yield* fails(read, "Unknown")
        }
        yield* fails(fs.open(folder, { flag: "w" }), "BadResource")
        yield* fails(fs.open(`${folder}/none/a`, { flag: "w" }), "NotFound")
        const opened = yield* fs.open(folder)
        yield* fails(opened.readAlloc(1), "BadResource")
        assert.strictEqual((yield* opened.stat).type, "Directory")
      })
    )
  )

  it.effect("appends to the end wherever that has moved", () =>
    inFolder(capabilities, (fs, folder) =>
      Effect.gen(function* () {
        const path = `${folder}/log`
        const one = yield* fs.open(path, { flag: "a+" })
        const two = yield* fs.open(path, { flag: "a" })
        yield* one.writeAll(text("1"))
        yield* two.writeAll(text("two"))
        yield* one.seek(0n, "start")
        yield* one.writeAll(text("3"))
        assert.strictEqual(yield* fs.readFileString(path), "1two3")
        assert.strictEqual(string(yield* one.readAlloc(2)), "1t")
      })
    )
  )

  it.effect("opens no link where none is to be followed", () =>
    inFolder(capabilities, (fs, folder) =>
      Effect.gen(function* () {
        yield* fs.makeDirectory(`${folder}/real`)
        yield* fs.writeFileString(`${folder}/real/a`, "safe")
        yield* fs.symlink("real/a", `${folder}/link`)
        yield* fs.symlink("real", `${folder}/parent`)
        yield* fs.symlink("real/none", `${folder}/dangling`)
        const flags: ReadonlyArray<FileSystem.OpenFlag> = ["r", "r+", "w", "a"]
        for (const flag of flags) {
          yield* fails(fs.open(`${folder}/link`, { flag, noFollow: true }), "BadResource")
          yield* fails(fs.open(`${folder}/dangling`, { flag, noFollow: true }), "BadResource")
        }
        assert.strictEqual(yield* fs.readFileString(`${folder}/real/a`), "safe")
        assert.isFalse(yield* fs.exists(`${folder}/real/none`))
        yield* fails(fs.open(`${folder}/none`, { noFollow: true }), "NotFound")
        yield* fails(fs.open(`${folder}/link`, { flag: "wx", noFollow: true }), "AlreadyExists")
        const file = yield* fs.open(`${folder}/parent/a`, { noFollow: true })
        assert.strictEqual(string(yield* file.readAlloc(9)), "safe")
        const made = yield* fs.open(`${folder}/made`, { flag: "w", noFollow: true })
        yield* made.writeAll(text("x"))
        const followed = yield* fs.open(`${folder}/link`)
        assert.strictEqual(string(yield* followed.readAlloc(9)), "safe")
      })
    )
  )

  it.effect("reaches places beyond 4 GiB in a file with holes", () =>
    inFolder(capabilities, (fs, folder) =>
      Effect.gen(function* () {
        const path = `${folder}/holes`
        const far = 2n ** 32n + 4321n
        const file = yield* fs.open(path, { flag: "w+" })
        yield* file.writeAll(text("first"))
        yield* file.seek(far, "start")
        yield* file.writeAll(text("far"))
        assert.strictEqual(yield* file.seek(0n, "current"), far + 3n)
        assert.strictEqual(BigInt((yield* file.stat).size), far + 3n)
        assert.strictEqual(string(yield* file.readAlloc(10, { position: far - 2n })), "\0\0far")
        assert.strictEqual(string(yield* file.readAlloc(6, { position: 0n })), "first\0")
        assert.strictEqual(string(yield* file.readAlloc(4, { position: 4321n })), "\0\0\0\0")
        yield* file.truncate(Number(far) + 1)
        assert.strictEqual(string(yield* file.readAlloc(9, { position: far })), "f")
        yield* fs.truncate(path, 2 ** 33)
        assert.strictEqual(Number((yield* fs.stat(path)).size), 2 ** 33)
      })
    )
  )

  it.effect("reads one file in many places at once", () =>
    inFolder(capabilities, (fs, folder) =>
      Effect.gen(function* () {
        const data = bytes(400_000)
        yield* fs.writeFile(`${folder}/a`, data)
        const file = yield* fs.open(`${folder}/a`)
        yield* Effect.forEach(
          Array.from({ length: 32 }, (_, index) => (index * 104_729) % 390_000),
          (start) =>
            Effect.map(file.readAlloc(5000, { position: BigInt(start) }), (read) =>
              sameBytes(Option.getOrThrow(read), data.subarray(start, start + 5000), `at ${start}`)
            ),
          { concurrency: "unbounded" }
        )
      })
    )
  )

  it.effect("closes with its scope, and can be removed while it is open", () =>
    inFolder(capabilities, (fs, folder) =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const file = yield* Scope.provide(fs.open(`${folder}/a`, { flag: "w+" }), scope)
        yield* file.writeAll(text("still here"))
        yield* fs.remove(`${folder}/a`)
        assert.strictEqual(string(yield* file.readAlloc(5, { position: 0n })), "still")
        yield* Scope.close(scope, Exit.void)
        yield* fails(file.readAlloc(5, { position: 0n }), "Unknown")
        yield* fails(file.write(text("x")), "Unknown")
      })
    )
  )
}
