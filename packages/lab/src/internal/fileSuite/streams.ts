/** Streams out of files and sinks into them. */
import { assert } from "@effect/vitest"
import { Cause, Effect, Exit, type FileSystem, Stream } from "effect"
import { bytes, fails, type Group, inFolder, permissions, sameBytes, text } from "./place.ts"

const collect = <E>(stream: Stream.Stream<Uint8Array, E>) =>
  Effect.map(Stream.runCollect(stream), (chunks) => ({ chunks, whole: Buffer.concat(chunks) }))

export const streams: Group = (it, capabilities) => {
  it.effect("streams a file whole, in part, and in pieces of the given size", () =>
    inFolder(capabilities, (fs, folder) =>
      Effect.gen(function* () {
        const path = `${folder}/a`
        const data = bytes(300_001)
        yield* fs.writeFile(path, data)
        const cases: ReadonlyArray<readonly [Parameters<FileSystem.FileSystem["stream"]>[1], number, number]> = [
          [undefined, 0, 300_001],
          [{ offset: 1 }, 1, 300_001],
          [{ offset: 299_999n }, 299_999, 300_001],
          [{ offset: 300_001 }, 0, 0],
          [{ offset: 2 ** 40 }, 0, 0],
          [{ bytesToRead: 0 }, 0, 0],
          [{ bytesToRead: 1 }, 0, 1],
          [{ bytesToRead: 65_536 }, 0, 65_536],
          [{ bytesToRead: 1e9 }, 0, 300_001],
          [{ offset: "100 kB", bytesToRead: "100 kB" }, 100_000, 200_000],
          [{ offset: 10, bytesToRead: 200_000, chunkSize: 999 }, 10, 200_010]
        ]
        for (const [options, from, to] of cases) {
          const { chunks, whole } = yield* collect(fs.stream(path, options))
          sameBytes(whole, data.subarray(from, to), `from ${from} to ${to}`)
          const size = options?.chunkSize ?? 65_536
          assert.isTrue(
            chunks.every(({ length }, index) => (index === chunks.length - 1 ? length <= size : length === size)),
            `pieces of ${size}: ${chunks.map(({ length }) => length).join()}`
          )
        }
        yield* fails(collect(fs.stream(path, { chunkSize: -1 })), "BadArgument")
        yield* fails(collect(fs.stream(`${folder}/none`)), "NotFound")
        yield* fails(collect(fs.stream(folder)), "BadResource")
        yield* fs.writeFile(`${folder}/empty`, new Uint8Array(0))
        assert.strictEqual((yield* collect(fs.stream(`${folder}/empty`))).whole.length, 0)
      })
    )
  )

  it.effect("can be left in the middle, and read at any pace", () =>
    inFolder(capabilities, (fs, folder) =>
      Effect.gen(function* () {
        const data = bytes(500_000)
        yield* fs.writeFile(`${folder}/a`, data)
        for (let round = 0; round < 5; round++) {
          const { whole } = yield* collect(Stream.take(fs.stream(`${folder}/a`, { chunkSize: 1000 }), 3))
          sameBytes(whole, data.subarray(0, 3000))
        }
        const slow = fs
          .stream(`${folder}/a`)
          .pipe(Stream.mapEffect((chunk) => Effect.as(Effect.sleep("5 millis"), chunk)))
        sameBytes((yield* collect(slow)).whole, data)
      })
    )
  )

  if (capabilities.proc !== false) {
    it.effect("streams files that say they are empty", () =>
      inFolder(capabilities, (fs) =>
        Effect.gen(function* () {
          const version = yield* fs.readFileString("/proc/version")
          assert.strictEqual((yield* collect(fs.stream("/proc/version"))).whole.toString(), version)
          const tail = yield* collect(fs.stream("/proc/version", { offset: 6, chunkSize: 7 }))
          assert.strictEqual(tail.whole.toString(), version.slice(6))
          const zeros = yield* collect(fs.stream("/dev/zero", { bytesToRead: 100_000 }))
          sameBytes(zeros.whole, new Uint8Array(100_000))
        })
      )
    )
  }

  it.effect("writes what flows into it, in order, whatever the pieces", () =>
    inFolder(capabilities, (fs, folder) =>
      Effect.gen(function* () {
        const data = bytes(3_000_000, 7)
        const sizes = [1, 70_000, 0, 3, 1_000_000, 65_536, 1_234_567]
        const pieces: Array<Uint8Array> = []
        for (let start = 0, index = 0; start < data.length; index++) {
          const end = start + (sizes[index % sizes.length] ?? 1)
          pieces.push(data.slice(start, end))
          start = end
        }
        yield* Stream.run(Stream.fromIterable(pieces), fs.sink(`${folder}/a`))
        sameBytes(yield* fs.readFile(`${folder}/a`), data)
        yield* Stream.run(Stream.make(text("short")), fs.sink(`${folder}/a`))
        assert.strictEqual(yield* fs.readFileString(`${folder}/a`), "short")
        yield* Stream.run(Stream.make(text("er"), text("!")), fs.sink(`${folder}/a`, { flag: "a" }))
        assert.strictEqual(yield* fs.readFileString(`${folder}/a`), "shorter!")
        yield* Stream.run(Stream.make(text("SH")), fs.sink(`${folder}/a`, { flag: "r+" }))
        assert.strictEqual(yield* fs.readFileString(`${folder}/a`), "SHorter!")
        yield* Stream.run(Stream.empty, fs.sink(`${folder}/empty`, { mode: 0o600 }))
        assert.strictEqual(Number((yield* fs.stat(`${folder}/empty`)).size), 0)
        assert.strictEqual(permissions((yield* fs.stat(`${folder}/empty`)).mode), "600")
        yield* Stream.run(Stream.make(data.subarray(0, 70_000)), fs.sink(`${folder}/shut`, { mode: 0o400 }))
        assert.strictEqual(Number((yield* fs.stat(`${folder}/shut`)).size), 70_000)
      })
    )
  )

  it.effect("takes over a file from a stream of the same machine", () =>
    inFolder(capabilities, (fs, folder) =>
      Effect.gen(function* () {
        const data = bytes(2_222_222, 3)
        yield* fs.writeFile(`${folder}/a`, data)
        yield* Stream.run(fs.stream(`${folder}/a`), fs.sink(`${folder}/b`))
        sameBytes(yield* fs.readFile(`${folder}/b`), data)
      })
    )
  )

  it.effect("says why it could not be opened, and ends when what flows into it fails", () =>
    inFolder(capabilities, (fs, folder) =>
      Effect.gen(function* () {
        const some = Stream.make(text("x"))
        yield* fs.writeFileString(`${folder}/a`, "old")
        yield* fails(Stream.run(some, fs.sink(`${folder}/none/a`)), "NotFound")
        yield* fails(Stream.run(some, fs.sink(folder)), "BadResource")
        yield* fails(Stream.run(some, fs.sink(`${folder}/a`, { flag: "wx" })), "AlreadyExists")
        yield* fails(Stream.run(some, fs.sink(`${folder}/none`, { flag: "r+" })), "NotFound")
        yield* fails(Stream.run(some, fs.sink(`${folder}/a`, { flag: "r" })), "Unknown")
        assert.strictEqual(yield* fs.readFileString(`${folder}/a`), "old")
        const breaking = Stream.concat(Stream.make(text("begun")), Stream.fail("broken" as const))
        const exit = yield* Effect.exit(Stream.run(breaking, fs.sink(`${folder}/b`)))
        assert.isTrue(Exit.isFailure(exit) && Cause.pretty(exit.cause).includes("broken"))
        // What had flowed in before is there, and nothing else.
        assert.include(["", "begun"], yield* fs.readFileString(`${folder}/b`))
      })
    )
  )

  it.effect("moves many files at once without mixing them up", () =>
    inFolder(capabilities, (fs, folder) =>
      Effect.gen(function* () {
        const count = capabilities.concurrency ?? 24
        yield* Effect.forEach(
          Array.from({ length: count }, (_, index) => index),
          (index) =>
            Effect.gen(function* () {
              const path = `${folder}/${index}`
              const data = bytes(1000 + index * 7001, index + 1)
              if (index % 2 === 0) yield* fs.writeFile(path, data)
              else yield* Stream.run(Stream.rechunk(Stream.make(data), 4096), fs.sink(path))
              const read = index % 3 === 0 ? fs.readFile(path) : Effect.map(collect(fs.stream(path)), (_) => _.whole)
              sameBytes(yield* read, data, path)
            }),
          { concurrency: "unbounded" }
        )
        assert.strictEqual((yield* fs.readDirectory(folder)).length, count)
      })
    )
  )
}
