/** Links of both kinds, moving and copying. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { bytes, fails, type Group, inFolder, permissions, sameBytes } from "./place.ts"

export const links: Group = (it, capabilities) => {
  it.effect("makes symbolic links, reads them and follows them", () =>
    inFolder(capabilities, (fs, folder) =>
      Effect.gen(function* () {
        yield* fs.writeFileString(`${folder}/a`, "x")
        yield* fs.makeDirectory(`${folder}/d`)
        yield* fs.symlink("a", `${folder}/relative`)
        yield* fs.symlink(`${folder}/a`, `${folder}/absolute`)
        yield* fs.symlink("../a", `${folder}/d/up`)
        yield* fs.symlink("it's no\nwhere ", `${folder}/dangling`)
        assert.strictEqual(yield* fs.readLink(`${folder}/relative`), "a")
        assert.strictEqual(yield* fs.readLink(`${folder}/absolute`), `${folder}/a`)
        assert.strictEqual(yield* fs.readLink(`${folder}/dangling`), "it's no\nwhere ")
        for (const link of ["relative", "absolute", "d/up"]) {
          assert.strictEqual(yield* fs.readFileString(`${folder}/${link}`), "x")
          assert.strictEqual((yield* fs.stat(`${folder}/${link}`)).type, "File")
          assert.strictEqual((yield* fs.lstat(`${folder}/${link}`)).type, "SymbolicLink")
          assert.strictEqual(yield* fs.realPath(`${folder}/${link}`), yield* fs.realPath(`${folder}/a`))
        }
        assert.strictEqual((yield* fs.lstat(`${folder}/dangling`)).type, "SymbolicLink")
        for (const use of [fs.stat, fs.realPath, fs.readFile]) yield* fails(use(`${folder}/dangling`), "NotFound")
        assert.isFalse(yield* fs.exists(`${folder}/dangling`))
        yield* fails(fs.symlink("b", `${folder}/a`), "AlreadyExists")
        yield* fails(fs.symlink("b", `${folder}/dangling`), "AlreadyExists")
        yield* fails(fs.symlink("b", `${folder}/none/l`), "NotFound")
        yield* fails(fs.readLink(`${folder}/a`), "Unknown")
        yield* fails(fs.readLink(`${folder}/none`), "NotFound")
        yield* fs.symlink("made", `${folder}/target`)
        yield* fs.writeFileString(`${folder}/target`, "through")
        assert.strictEqual(yield* fs.readFileString(`${folder}/made`), "through")
      })
    )
  )

  it.effect("says that links run in a circle", () =>
    inFolder(capabilities, (fs, folder) =>
      Effect.gen(function* () {
        yield* fs.symlink("two", `${folder}/one`)
        yield* fs.symlink("one", `${folder}/two`)
        for (const use of [fs.stat, fs.realPath, fs.readFile, fs.readDirectory, fs.access, fs.exists]) {
          yield* fails(use(`${folder}/one`), "BadResource")
        }
        yield* fails(fs.writeFileString(`${folder}/one`, "x"), "BadResource")
        yield* fails(fs.readFile(`${folder}/one/below`), "BadResource")
        assert.strictEqual(yield* fs.readLink(`${folder}/one`), "two")
        yield* fs.remove(`${folder}/one`)
      })
    )
  )

  it.effect("resolves paths to what they lead to", () =>
    inFolder(capabilities, (fs, folder) =>
      Effect.gen(function* () {
        yield* fs.makeDirectory(`${folder}/a/b`, { recursive: true })
        yield* fs.symlink("a/b", `${folder}/link`)
        const real = yield* fs.realPath(folder)
        assert.strictEqual(yield* fs.realPath(`${folder}/./a/../link//`), `${real}/a/b`)
        yield* fails(fs.realPath(`${folder}/none`), "NotFound")
        yield* fails(fs.realPath(`${folder}/none/b`), "NotFound")
      })
    )
  )

  it.effect("makes hard links", () =>
    inFolder(capabilities, (fs, folder) =>
      Effect.gen(function* () {
        yield* fs.writeFileString(`${folder}/a`, "x")
        yield* fs.link(`${folder}/a`, `${folder}/b`)
        yield* fs.writeFileString(`${folder}/b`, "changed")
        assert.strictEqual(yield* fs.readFileString(`${folder}/a`), "changed")
        assert.strictEqual((yield* fs.lstat(`${folder}/b`)).type, "File")
        yield* fs.remove(`${folder}/a`)
        assert.strictEqual(yield* fs.readFileString(`${folder}/b`), "changed")
        yield* fails(fs.link(`${folder}/none`, `${folder}/c`), "NotFound")
        yield* fs.writeFileString(`${folder}/c`, "x")
        yield* fails(fs.link(`${folder}/b`, `${folder}/c`), "AlreadyExists")
        yield* fails(fs.link(`${folder}/b`, `${folder}/none/c`), "NotFound")
      })
    )
  )

  it.effect("renames as rename(2) does", () =>
    inFolder(capabilities, (fs, folder) =>
      Effect.gen(function* () {
        yield* fs.writeFileString(`${folder}/a`, "a")
        yield* fs.writeFileString(`${folder}/b`, "b")
        yield* fs.rename(`${folder}/a`, `${folder}/b`)
        assert.strictEqual(yield* fs.readFileString(`${folder}/b`), "a")
        assert.isFalse(yield* fs.exists(`${folder}/a`))
        yield* fs.rename(`${folder}/b`, `${folder}/b`)
        yield* fs.makeDirectory(`${folder}/d/inner`, { recursive: true })
        yield* fs.makeDirectory(`${folder}/empty`)
        yield* fails(fs.rename(`${folder}/b`, `${folder}/empty`), "BadResource")
        yield* fails(fs.rename(`${folder}/empty`, `${folder}/b`), "BadResource")
        yield* fails(fs.rename(`${folder}/empty`, `${folder}/d`), "Unknown", "AlreadyExists")
        yield* fails(fs.rename(`${folder}/d`, `${folder}/d/inner/x`), "Unknown")
        yield* fs.rename(`${folder}/d`, `${folder}/empty`)
        assert.deepStrictEqual((yield* fs.readDirectory(folder)).sort(), ["b", "empty"])
        assert.isTrue(yield* fs.exists(`${folder}/empty/inner`))
        yield* fails(fs.rename(`${folder}/none`, `${folder}/x`), "NotFound")
        yield* fails(fs.rename(`${folder}/b`, `${folder}/none/x`), "NotFound")
        yield* fails(fs.rename(`${folder}/b`, `${folder}/b/x`), "BadResource")
        yield* fs.symlink("nowhere", `${folder}/l`)
        yield* fs.rename(`${folder}/l`, `${folder}/m`)
        assert.strictEqual(yield* fs.readLink(`${folder}/m`), "nowhere")
      })
    )
  )

  it.effect("copies a file with its mode", () =>
    inFolder(capabilities, (fs, folder) =>
      Effect.gen(function* () {
        const data = bytes(70_000)
        yield* fs.writeFile(`${folder}/a`, data)
        yield* fs.chmod(`${folder}/a`, 0o751)
        yield* fs.copyFile(`${folder}/a`, `${folder}/b`)
        sameBytes(yield* fs.readFile(`${folder}/b`), data)
        assert.strictEqual(permissions((yield* fs.stat(`${folder}/b`)).mode), "751")
        yield* fs.writeFileString(`${folder}/c`, "much longer ".repeat(9000))
        yield* fs.copyFile(`${folder}/a`, `${folder}/c`)
        sameBytes(yield* fs.readFile(`${folder}/c`), data)
        yield* fs.symlink("a", `${folder}/link`)
        yield* fs.copyFile(`${folder}/link`, `${folder}/e`)
        assert.strictEqual((yield* fs.lstat(`${folder}/e`)).type, "File")
        yield* fs.writeFileString(`${folder}/empty`, "")
        yield* fs.copyFile(`${folder}/empty`, `${folder}/c`)
        assert.strictEqual(yield* fs.readFileString(`${folder}/c`), "")
        yield* fails(fs.copyFile(`${folder}/none`, `${folder}/x`), "NotFound")
        assert.isFalse(yield* fs.exists(`${folder}/x`))
        yield* fails(fs.copyFile(`${folder}/a`, `${folder}/none/x`), "NotFound")
        yield* fails(fs.copyFile(`${folder}/a`, folder), "BadResource")
        sameBytes(yield* fs.readFile(`${folder}/a`), data)
      })
    )
  )

  it.effect("copies a tree as cp -r does", () =>
    inFolder(capabilities, (fs, folder) =>
      Effect.gen(function* () {
        yield* fs.makeDirectory(`${folder}/a/b/c`, { recursive: true })
        yield* fs.writeFileString(`${folder}/a/file`, "x")
        yield* fs.chmod(`${folder}/a/file`, 0o640)
        yield* fs.writeFileString(`${folder}/a/b/it's\n`, "y")
        yield* fs.symlink("file", `${folder}/a/link`)
        yield* fs.symlink("nowhere", `${folder}/a/dangling`)
        yield* fs.utimes(`${folder}/a/file`, 1_000_000_000, 1_000_000_000)
        yield* fs.copy(`${folder}/a`, `${folder}/copy`, { preserveTimestamps: true })
        assert.deepStrictEqual(
          (yield* fs.readDirectory(`${folder}/copy`, { recursive: true })).sort(),
          ["b", "b/c", "b/it's\n", "dangling", "file", "link"].sort()
        )
        assert.strictEqual(yield* fs.readFileString(`${folder}/copy/link`), "x")
        assert.strictEqual((yield* fs.lstat(`${folder}/copy/link`)).type, "SymbolicLink")
        assert.strictEqual((yield* fs.lstat(`${folder}/copy/dangling`)).type, "SymbolicLink")
        const info = yield* fs.stat(`${folder}/copy/file`)
        assert.strictEqual(permissions(info.mode), "640")
        if (capabilities.times !== false) {
          assert.strictEqual(
            info.mtime.pipe((time) => (time._tag === "Some" ? time.value.getTime() : 0)),
            1e12
          )
        }

        // What is there already stays, unless it may be written over.
        yield* fs.writeFileString(`${folder}/a/file`, "newer")
        yield* fs.writeFileString(`${folder}/a/more`, "z")
        yield* fs.remove(`${folder}/a/link`)
        yield* fs.remove(`${folder}/a/dangling`)
        yield* fs.copy(`${folder}/a`, `${folder}/copy`)
        assert.strictEqual(yield* fs.readFileString(`${folder}/copy/file`), "x")
        assert.strictEqual(yield* fs.readFileString(`${folder}/copy/more`), "z")
        yield* fs.copy(`${folder}/a`, `${folder}/copy`, { overwrite: true })
        assert.strictEqual(yield* fs.readFileString(`${folder}/copy/file`), "newer")
        yield* fs.copy(`${folder}/a/file`, `${folder}/single`)
        assert.strictEqual(yield* fs.readFileString(`${folder}/single`), "newer")
        yield* fs.copy(`${folder}/a/file`, `${folder}/new/folders/single`)
        assert.strictEqual(yield* fs.readFileString(`${folder}/new/folders/single`), "newer")
        yield* fails(fs.copy(`${folder}/none`, `${folder}/x`), "NotFound")
        yield* fails(fs.copy(`${folder}/a`, `${folder}/single`), "Unknown")
        yield* fails(fs.copy(`${folder}/a/file`, `${folder}/copy`), "Unknown")
        yield* fails(fs.copy(`${folder}/a`, `${folder}/a/b/inside`), "Unknown")
      })
    )
  )
}
