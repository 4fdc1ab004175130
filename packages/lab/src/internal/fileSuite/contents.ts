/** Whole files: reading and writing them in one call. */
import { assert } from "@effect/vitest"
import { Effect, type FileSystem } from "effect"
import { bytes, fails, type Group, inFolder, permissions, sameBytes, text } from "./place.ts"

const everyByte = Uint8Array.from({ length: 256 }, (_, index) => index)

export const contents: Group = (it, capabilities) => {
  it.effect("keeps each of the 256 bytes, and none where there are none", () =>
    inFolder(capabilities, (fs, folder) =>
      Effect.gen(function* () {
        for (const [name, data] of [
          ["all", everyByte],
          ["empty", new Uint8Array(0)],
          ["newlines", text("\n\n\r\n")],
          ["zeros", new Uint8Array(3)],
          ["no end of line", text("a\nb")]
        ] as const) {
          yield* fs.writeFile(`${folder}/${name}`, data)
          sameBytes(yield* fs.readFile(`${folder}/${name}`), data, name)
          assert.strictEqual(Number((yield* fs.stat(`${folder}/${name}`)).size), data.length, name)
        }
        yield* fs.writeFileString(`${folder}/text`, "tôt\u0000\u{1f600}\n")
        assert.strictEqual(yield* fs.readFileString(`${folder}/text`), "tôt\u0000\u{1f600}\n")
      })
    )
  )

  it.effect("writes only the given part of a larger buffer", () =>
    inFolder(capabilities, (fs, folder) =>
      Effect.gen(function* () {
        yield* fs.writeFile(`${folder}/part`, everyByte.subarray(10, 20))
        sameBytes(yield* fs.readFile(`${folder}/part`), everyByte.slice(10, 20))
      })
    )
  )

  it.effect("moves a big file whole", () =>
    inFolder(capabilities, (fs, folder) =>
      Effect.gen(function* () {
        const big = bytes((capabilities.bigFileBytes ?? 24 * 1024 * 1024) + 12_345)
        yield* fs.writeFile(`${folder}/big`, big)
        sameBytes(yield* fs.readFile(`${folder}/big`), big)
        yield* fs.copyFile(`${folder}/big`, `${folder}/copy`)
        sameBytes(yield* fs.readFile(`${folder}/copy`), big, "the copy")
      })
    )
  )

  it.effect("writes with each flag as open(2) has it", () =>
    inFolder(capabilities, (fs, folder) =>
      Effect.gen(function* () {
        const cases: ReadonlyArray<readonly [FileSystem.OpenFlag, string | undefined, string | undefined]> = [
          // flag, what an older "longer" becomes, what a missing file becomes
          ["w", "new", "new"],
          ["w+", "new", "new"],
          ["wx", undefined, "new"],
          ["wx+", undefined, "new"],
          ["a", "longernew", "new"],
          ["a+", "longernew", "new"],
          ["ax", undefined, "new"],
          ["ax+", undefined, "new"],
          ["r+", "newger", undefined]
        ]
        for (const [flag, over, fresh] of cases) {
          const old = `${folder}/old ${flag}`
          yield* fs.writeFileString(old, "longer")
          const write = fs.writeFileString(old, "new", { flag })
          yield* over === undefined ? fails(write, "AlreadyExists") : write
          assert.strictEqual(yield* fs.readFileString(old), over ?? "longer", flag)
          const missing = `${folder}/missing ${flag}`
          const create = fs.writeFileString(missing, "new", { flag })
          yield* fresh === undefined ? fails(create, "NotFound") : create
          assert.strictEqual(yield* fs.exists(missing), fresh !== undefined, flag)
          if (fresh !== undefined) assert.strictEqual(yield* fs.readFileString(missing), fresh, flag)
        }
        yield* fails(fs.writeFileString(`${folder}/old w`, "x", { flag: "r" }), "Unknown")
        assert.strictEqual(yield* fs.readFileString(`${folder}/old w`), "new")
      })
    )
  )

  it.effect("gives a new file its mode, and leaves an older one its own", () =>
    inFolder(capabilities, (fs, folder) =>
      Effect.gen(function* () {
        yield* fs.writeFileString(`${folder}/a`, "a", { mode: 0o600 })
        assert.strictEqual(permissions((yield* fs.stat(`${folder}/a`)).mode), "600")
        yield* fs.writeFileString(`${folder}/a`, "b", { mode: 0o700 })
        assert.strictEqual(permissions((yield* fs.stat(`${folder}/a`)).mode), "600")
        yield* fs.writeFileString(`${folder}/b`, "b", { mode: 0o500 })
        assert.strictEqual(permissions((yield* fs.stat(`${folder}/b`)).mode), "500")
        assert.strictEqual(yield* fs.readFileString(`${folder}/b`), "b")
      })
    )
  )

  it.effect("tells a missing file, a folder and a file in place of a folder apart", () =>
    inFolder(capabilities, (fs, folder) =>
      Effect.gen(function* () {
        yield* fs.writeFileString(`${folder}/file`, "x")
        for (const use of [fs.readFile, (path: string) => fs.writeFileString(path, "y")]) {
          yield* fails(use(`${folder}/none/file`), "NotFound")
          yield* fails(use(folder), "BadResource")
          yield* fails(use(`${folder}/file/below`), "BadResource")
          yield* fails(use(`${folder}/nul\u0000`), "BadArgument")
          yield* fails(use(""), "NotFound")
        }
        yield* fails(fs.readFile(`${folder}/none`), "NotFound")
        yield* fails(fs.readFile(`${folder}/${"x".repeat(256)}`), "Unknown")
        assert.strictEqual(yield* fs.readFileString(`${folder}/file`), "x")
        yield* fails(fs.readFileString(`${folder}/file`, "no such encoding"), "BadArgument")
      })
    )
  )

  if (capabilities.proc !== false) {
    it.effect("reads files that say they are empty", () =>
      inFolder(capabilities, (fs, folder) =>
        Effect.gen(function* () {
          const version = yield* fs.readFileString("/proc/version")
          assert.match(version, /^Linux version .*\n$/)
          assert.isAbove((yield* fs.readFile("/proc/self/maps")).length, 100)
          assert.deepStrictEqual(yield* fs.readFile("/dev/null"), Buffer.alloc(0))
          yield* fs.writeFileString("/dev/null", "gone")
          yield* fs.writeFileString(`${folder}/version`, version)
          assert.strictEqual(yield* fs.readFileString(`${folder}/version`), version)
        })
      )
    )
  }

  if (capabilities.unprivileged === true) {
    it.effect("says when it is not allowed", () =>
      inFolder(capabilities, (fs, folder) =>
        Effect.gen(function* () {
          yield* fs.writeFileString(`${folder}/closed`, "x", { mode: 0o000 })
          yield* fails(fs.readFile(`${folder}/closed`), "PermissionDenied")
          yield* fails(fs.writeFileString(`${folder}/closed`, "y"), "PermissionDenied")
          yield* fs.makeDirectory(`${folder}/shut`)
          yield* fs.writeFileString(`${folder}/shut/in`, "x")
          yield* fs.chmod(`${folder}/shut`, 0o500)
          yield* fails(fs.writeFileString(`${folder}/shut/new`, "y"), "PermissionDenied")
          yield* fails(fs.remove(`${folder}/shut/in`), "PermissionDenied")
          yield* fails(fs.rename(`${folder}/shut/in`, `${folder}/out`), "PermissionDenied")
          yield* fails(fs.makeDirectory(`${folder}/shut/d`), "PermissionDenied")
          yield* fails(fs.symlink("x", `${folder}/shut/l`), "PermissionDenied")
          yield* fs.chmod(`${folder}/shut`, 0o000)
          yield* fails(fs.readDirectory(`${folder}/shut`), "PermissionDenied")
          yield* fails(fs.stat(`${folder}/shut/in`), "PermissionDenied")
          yield* fails(fs.exists(`${folder}/shut/in`), "PermissionDenied")
          yield* fs.chmod(`${folder}/shut`, 0o700)
          assert.strictEqual(yield* fs.readFileString(`${folder}/shut/in`), "x")
        })
      )
    )
  }
}
