/** Folders: making, listing, searching, removing. */
import { assert } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { fails, type Group, inFolder, permissions } from "./place.ts"

export const folders: Group = (it, capabilities) => {
  it.effect("makes folders, with all that leads to them or without", () =>
    inFolder(capabilities, (fs, folder) =>
      Effect.gen(function* () {
        yield* fs.makeDirectory(`${folder}/a`, { mode: 0o700 })
        assert.strictEqual(permissions((yield* fs.stat(`${folder}/a`)).mode), "700")
        yield* fails(fs.makeDirectory(`${folder}/a`), "AlreadyExists")
        yield* fs.makeDirectory(`${folder}/a`, { recursive: true })
        yield* fails(fs.makeDirectory(`${folder}/b/c/d`), "NotFound")
        yield* fs.makeDirectory(`${folder}/b/c/d`, { recursive: true, mode: 0o750 })
        assert.strictEqual((yield* fs.stat(`${folder}/b/c/d`)).type, "Directory")
        assert.strictEqual(permissions((yield* fs.stat(`${folder}/b/c/d`)).mode), "750")
        yield* fs.makeDirectory(`${folder}/b/c/./d/../e//f/`, { recursive: true })
        assert.isTrue(yield* fs.exists(`${folder}/b/c/e/f`))
        yield* fs.writeFileString(`${folder}/file`, "x")
        yield* fails(fs.makeDirectory(`${folder}/file`), "AlreadyExists")
        yield* fails(fs.makeDirectory(`${folder}/file`, { recursive: true }), "AlreadyExists")
        yield* fails(fs.makeDirectory(`${folder}/file/a`), "BadResource")
        yield* fails(fs.makeDirectory(`${folder}/file/a/b`, { recursive: true }), "BadResource")
        yield* fs.symlink("b", `${folder}/link`)
        yield* fs.makeDirectory(`${folder}/link/x/y`, { recursive: true })
        assert.isTrue(yield* fs.exists(`${folder}/b/x/y`))
        yield* fs.makeDirectory(`${folder}/link`, { recursive: true })
      })
    )
  )

  it.effect("lists a folder with the kind of each entry, and what is below it", () =>
    inFolder(capabilities, (fs, folder) =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* fs.readDirectory(folder), [])
        yield* fs.makeDirectory(`${folder}/d/e`, { recursive: true })
        yield* fs.writeFileString(`${folder}/f`, "x")
        yield* fs.writeFileString(`${folder}/.hidden`, "x")
        yield* fs.writeFileString(`${folder}/d/e/g`, "x")
        yield* fs.symlink("f", `${folder}/l`)
        yield* fs.symlink("nowhere", `${folder}/dangling`)
        const here = [".hidden", "d", "dangling", "f", "l"]
        assert.deepStrictEqual((yield* fs.readDirectory(folder)).sort(), here)
        assert.deepStrictEqual((yield* fs.readDirectory(`${folder}/`)).sort(), here)
        const all = yield* fs.readDirectory(folder, { recursive: true })
        assert.deepStrictEqual(all.sort(), [...here, "d/e", "d/e/g"].sort())
        const entries = yield* fs.readDirectoryEntries(folder)
        assert.deepStrictEqual(Object.fromEntries(entries.map(({ name, type }) => [name, type])), {
          ".hidden": "File",
          d: "Directory",
          dangling: "SymbolicLink",
          f: "File",
          l: "SymbolicLink"
        })
        for (const list of [fs.readDirectory, fs.readDirectoryEntries]) {
          yield* fails(list(`${folder}/none`), "NotFound")
          yield* fails(list(`${folder}/f`), "BadResource")
          yield* fails(list(`${folder}/dangling`), "NotFound")
        }
      })
    )
  )

  it.effect("lists a folder of many entries whole", () =>
    inFolder(capabilities, (fs, folder) =>
      Effect.gen(function* () {
        const count = (capabilities.concurrency ?? 24) * 10
        const names = Array.from({ length: count }, (_, index) => `entry ${index} ${"x".repeat(index % 150)}`)
        yield* Effect.forEach(names, (name) => fs.writeFileString(`${folder}/${name}`, ""), { concurrency: 16 })
        assert.deepStrictEqual((yield* fs.readDirectory(folder)).sort(), names.sort())
        yield* fs.remove(folder, { recursive: true })
        yield* fs.makeDirectory(folder)
      })
    )
  )

  it.effect("removes what it is told to, and nothing behind a link", () =>
    inFolder(capabilities, (fs, folder) =>
      Effect.gen(function* () {
        yield* fs.makeDirectory(`${folder}/keep`)
        yield* fs.writeFileString(`${folder}/keep/a`, "x")
        yield* fs.makeDirectory(`${folder}/tree/b/c`, { recursive: true })
        yield* fs.writeFileString(`${folder}/tree/b/c/file`, "x")
        yield* fs.writeFileString(`${folder}/tree/file`, "x", { mode: 0o400 })
        yield* fs.symlink("../keep", `${folder}/tree/link`)
        yield* fs.symlink("nowhere", `${folder}/tree/dangling`)
        yield* fails(fs.remove(`${folder}/tree`), "Unknown")
        yield* fails(fs.remove(`${folder}/tree`, { force: true }), "Unknown")
        assert.isTrue(yield* fs.exists(`${folder}/tree/b/c/file`))
        yield* fs.remove(`${folder}/tree`, { recursive: true })
        assert.isFalse(yield* fs.exists(`${folder}/tree`))
        assert.strictEqual(yield* fs.readFileString(`${folder}/keep/a`), "x")

        yield* fs.symlink("keep", `${folder}/link`)
        yield* fs.remove(`${folder}/link`, { recursive: true })
        assert.strictEqual(yield* fs.readFileString(`${folder}/keep/a`), "x")
        yield* fs.symlink("keep/a", `${folder}/link`)
        yield* fs.remove(`${folder}/link`)
        assert.isTrue(yield* fs.exists(`${folder}/keep/a`))
        yield* fs.remove(`${folder}/keep/a`)
        assert.isFalse(yield* fs.exists(`${folder}/keep/a`))

        yield* fails(fs.remove(`${folder}/none`), "NotFound")
        yield* fails(fs.remove(`${folder}/none`, { recursive: true }), "NotFound")
        yield* fs.remove(`${folder}/none`, { force: true })
        yield* fs.remove(`${folder}/none/x`, { force: true, recursive: true })
        yield* fails(fs.remove(`${folder}/keep`), "Unknown")
        yield* fs.remove(`${folder}/keep`, { recursive: true, force: true })
        assert.deepStrictEqual(yield* fs.readDirectory(folder), [])
      })
    )
  )

  if (capabilities.unprivileged === true) {
    it.effect("removes folders that may not be read, as long as they are empty", () =>
      inFolder(capabilities, (fs, folder) =>
        Effect.gen(function* () {
          yield* fs.makeDirectory(`${folder}/a/-b c/empty`, { recursive: true })
          yield* fs.writeFileString(`${folder}/a/file`, "x")
          yield* fs.chmod(`${folder}/a/-b c/empty`, 0o300)
          yield* fs.remove(`${folder}/a`, { recursive: true })
          yield* fs.makeDirectory(`${folder}/shut`)
          yield* fs.writeFileString(`${folder}/shut/file`, "x")
          yield* fs.chmod(`${folder}/shut`, 0o300)
          // Not every rm says why.
          yield* fails(fs.remove(`${folder}/shut`, { recursive: true }), "PermissionDenied", "Unknown")
          yield* fs.chmod(`${folder}/shut`, 0o700)
          assert.deepStrictEqual(yield* fs.readDirectory(folder, { recursive: true }), ["shut", "shut/file"])
        })
      )
    )
  }

  it.effect("finds paths by patterns", () =>
    inFolder(capabilities, (fs, folder) =>
      Effect.gen(function* () {
        yield* fs.makeDirectory(`${folder}/src/deep/er`, { recursive: true })
        yield* fs.makeDirectory(`${folder}/.git`)
        for (const name of ["a.ts", "b.js", "src/c.ts", "src/deep/d.ts", "src/deep/er/e [1].ts", ".git/x.ts", "*.md"]) {
          yield* fs.writeFileString(`${folder}/${name}`, "x")
        }
        yield* fs.symlink("src", `${folder}/link`)
        const find = (pattern: string, options: Parameters<typeof fs.glob>[1] = {}) =>
          Effect.map(fs.glob(pattern, { root: folder, ...options }), (paths) => paths.sort())
        assert.deepStrictEqual(yield* find("*.ts"), ["a.ts"])
        assert.deepStrictEqual(yield* find("**/*.ts"), ["a.ts", "src/c.ts", "src/deep/d.ts", "src/deep/er/e [1].ts"])
        assert.deepStrictEqual(yield* find("**/*.ts", { dot: true, exclude: ["src"] }), [".git/x.ts", "a.ts"])
        assert.deepStrictEqual(yield* find("{a,b}.{ts,js}"), ["a.ts", "b.js"])
        assert.deepStrictEqual(yield* find("\\*.md"), ["*.md"])
        assert.deepStrictEqual(yield* find("link/*"), ["link/c.ts", "link/deep"])
        assert.deepStrictEqual(yield* find("none/*.ts"), [])
        assert.deepStrictEqual(yield* find(`${folder}/src/*.ts`), [`${folder}/src/c.ts`])
      })
    )
  )

  it.effect("makes folders and files for a while", () =>
    inFolder(capabilities, (fs, folder) =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const options = { directory: folder, prefix: "it's a " }
        const kept = yield* fs.makeTempDirectory(options)
        assert.isTrue(kept.startsWith(`${folder}/it's a `) && kept.length > `${folder}/it's a `.length, kept)
        assert.strictEqual(permissions((yield* fs.stat(kept)).mode), "700")
        assert.notStrictEqual(yield* fs.makeTempDirectory({ directory: folder }), kept)
        const keptFile = yield* fs.makeTempFile({ directory: folder, suffix: ".txt" })
        assert.match(keptFile.slice(folder.length), /^\/[^/]+\/[^/]+\.txt$/)
        assert.strictEqual(yield* fs.readFileString(keptFile), "")
        const lent = yield* Scope.provide(fs.makeTempDirectoryScoped(options), scope)
        yield* fs.makeDirectory(`${lent}/deep/er`, { recursive: true })
        yield* fs.writeFileString(`${lent}/deep/er/x`, "x")
        const lentFile = yield* Scope.provide(fs.makeTempFileScoped(options), scope)
        yield* fs.writeFileString(lentFile, "x")
        const gone = yield* Scope.provide(fs.makeTempFileScoped(options), scope)
        yield* fs.remove(gone)
        yield* Scope.close(scope, Exit.void)
        assert.isFalse(yield* fs.exists(lent))
        assert.isFalse(yield* fs.exists(lentFile))
        assert.isTrue(yield* fs.exists(kept))
        assert.strictEqual((yield* fs.readDirectory(folder)).length, 3)
        yield* fails(fs.makeTempDirectory({ directory: `${folder}/none` }), "NotFound")
        yield* fails(fs.makeTempFile({ directory: `${folder}/none` }), "NotFound")
        if (capabilities.folder === undefined) {
          const anywhere = yield* fs.makeTempDirectoryScoped()
          assert.isTrue(anywhere.startsWith("/"), anywhere)
        }
      })
    )
  )
}
