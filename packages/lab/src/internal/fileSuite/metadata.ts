/** What is known of a file besides its content. */
import { assert } from "@effect/vitest"
import { DateTime, Effect, Option } from "effect"
import { fails, type Group, inFolder, permissions } from "./place.ts"

const at = (milliseconds: number): Date => DateTime.toDate(DateTime.makeUnsafe(milliseconds))

export const metadata: Group = (it, capabilities) => {
  it.effect("tells kind, size, owner, mode and times", () =>
    inFolder(capabilities, (fs, folder) =>
      Effect.gen(function* () {
        yield* fs.writeFileString(`${folder}/a`, "12345")
        yield* fs.chmod(`${folder}/a`, 0o644)
        const info = yield* fs.stat(`${folder}/a`)
        assert.strictEqual(info.type, "File")
        assert.strictEqual(BigInt(info.size), 5n)
        assert.strictEqual(info.mode, 0o100644)
        const own = yield* fs.stat(folder)
        assert.strictEqual(own.type, "Directory")
        assert.strictEqual(own.mode & 0o170000, 0o040000)
        assert.isTrue(Option.isSome(info.uid) && Option.isSome(info.gid))
        assert.deepStrictEqual(info.uid, own.uid)
        const age = Option.getOrThrow(own.mtime).getTime() - Option.getOrThrow(info.mtime).getTime()
        assert.isBelow(Math.abs(age), 20_000)
        assert.isTrue(Option.isSome(info.atime))
        if (capabilities.inodes !== false) {
          yield* fs.link(`${folder}/a`, `${folder}/b`)
          const one = yield* fs.stat(`${folder}/a`)
          const two = yield* fs.stat(`${folder}/b`)
          assert.deepStrictEqual([one.ino, one.dev], [two.ino, two.dev])
          assert.deepStrictEqual(one.nlink, Option.some(2n))
          assert.isTrue(Option.isSome(one.blocks))
        }
        for (const use of [fs.stat, fs.lstat, fs.access]) {
          yield* fails(use(`${folder}/none`), "NotFound")
          yield* fails(use(`${folder}/none/b`), "NotFound")
          yield* fails(use(`${folder}/a/below`), "BadResource")
          yield* fails(use(`${folder}/nul\u0000`), "BadArgument")
        }
        yield* fails(fs.stat(""), "NotFound")
        assert.isTrue(yield* fs.exists(`${folder}/a`))
        assert.isTrue(yield* fs.exists(folder))
        assert.isFalse(yield* fs.exists(`${folder}/none`))
        yield* fs.access(`${folder}/a`, { readable: true, writable: true })
        yield* fs.access(folder, { readable: true, writable: true })
        yield* fs.access("/")
        if (capabilities.proc !== false) {
          assert.strictEqual((yield* fs.stat("/dev/null")).type, "CharacterDevice")
          assert.strictEqual((yield* fs.lstat("/proc/self")).type, "SymbolicLink")
        }
      })
    )
  )

  it.effect("changes modes, the special bits too", () =>
    inFolder(capabilities, (fs, folder) =>
      Effect.gen(function* () {
        yield* fs.writeFileString(`${folder}/a`, "x")
        yield* fs.makeDirectory(`${folder}/d`)
        yield* fs.symlink("a", `${folder}/link`)
        for (const mode of [0o600, 0o400, 0o777, 0o4755, 0o644]) {
          yield* fs.chmod(`${folder}/a`, mode)
          assert.strictEqual(permissions((yield* fs.stat(`${folder}/a`)).mode), mode.toString(8))
        }
        yield* fs.chmod(`${folder}/d`, 0o1777)
        assert.strictEqual(permissions((yield* fs.stat(`${folder}/d`)).mode), "1777")
        yield* fs.chmod(`${folder}/link`, 0o640)
        assert.strictEqual(permissions((yield* fs.stat(`${folder}/a`)).mode), "640")
        yield* fails(fs.chmod(`${folder}/none`, 0o600), "NotFound")
      })
    )
  )

  it.effect("changes owners where it may", () =>
    inFolder(capabilities, (fs, folder) =>
      Effect.gen(function* () {
        yield* fs.writeFileString(`${folder}/a`, "x")
        const info = yield* fs.stat(`${folder}/a`)
        const [uid, gid] = [Option.getOrThrow(info.uid), Option.getOrThrow(info.gid)]
        yield* fs.chown(`${folder}/a`, uid, gid)
        assert.deepStrictEqual((yield* fs.stat(`${folder}/a`)).uid, info.uid)
        yield* fails(fs.chown(`${folder}/none`, uid, gid), "NotFound")
        if (capabilities.unprivileged === true) yield* fails(fs.chown(`${folder}/a`, 0, 0), "PermissionDenied")
      })
    )
  )

  if (capabilities.times !== false) {
    it.effect("sets times", () =>
      inFolder(capabilities, (fs, folder) =>
        Effect.gen(function* () {
          yield* fs.writeFileString(`${folder}/a`, "x")
          yield* fs.makeDirectory(`${folder}/d`)
          yield* fs.symlink("a", `${folder}/link`)
          const times = (path: string) =>
            Effect.map(fs.stat(`${folder}/${path}`), ({ atime, mtime }) =>
              [atime, mtime].map((time) => Option.getOrThrow(time).getTime())
            )
          const exact = capabilities.wholeSeconds === true ? 0 : 500
          yield* fs.utimes(`${folder}/a`, at(1e12 + exact), at(1_111_111_111_000 + exact))
          assert.deepStrictEqual(yield* times("a"), [1e12 + exact, 1_111_111_111_000 + exact])
          yield* fs.utimes(`${folder}/d`, 2_000_000_000, 1)
          assert.deepStrictEqual(yield* times("d"), [2e12, 1000])
          yield* fs.utimes(`${folder}/link`, 4_000_000_000, 3_000_000_000)
          assert.deepStrictEqual(yield* times("a"), [4e12, 3e12])
          yield* fails(fs.utimes(`${folder}/none`, 0, 0), "NotFound")
        })
      )
    )
  }

  it.effect("sets lengths", () =>
    inFolder(capabilities, (fs, folder) =>
      Effect.gen(function* () {
        yield* fs.writeFileString(`${folder}/a`, "12345")
        yield* fs.truncate(`${folder}/a`, 3)
        assert.strictEqual(yield* fs.readFileString(`${folder}/a`), "123")
        yield* fs.truncate(`${folder}/a`, 5)
        assert.strictEqual(yield* fs.readFileString(`${folder}/a`), "123\0\0")
        yield* fs.truncate(`${folder}/a`)
        assert.strictEqual(yield* fs.readFileString(`${folder}/a`), "")
        yield* fails(fs.truncate(`${folder}/none`), "NotFound")
        yield* fails(fs.truncate(folder), "BadResource")
      })
    )
  )

  if (capabilities.unprivileged === true) {
    it.effect("tells who may do what", () =>
      inFolder(capabilities, (fs, folder) =>
        Effect.gen(function* () {
          yield* fs.writeFileString(`${folder}/a`, "x")
          yield* fs.makeDirectory(`${folder}/d`)
          for (const path of [`${folder}/a`, `${folder}/d`]) {
            yield* fs.chmod(path, 0o500)
            yield* fs.access(path, { readable: true })
            yield* fails(fs.access(path, { writable: true }), "PermissionDenied")
            yield* fs.chmod(path, 0o300)
            yield* fs.access(path, { writable: true })
            yield* fails(fs.access(path, { readable: true }), "PermissionDenied")
            yield* fails(fs.access(path, { readable: true, writable: true }), "PermissionDenied")
            yield* fs.access(path)
            yield* fs.access(path, { ok: true })
          }
          yield* fails(fs.access("/", { writable: true }), "PermissionDenied")
          yield* fails(fs.chmod("/", 0o777), "PermissionDenied")
        })
      )
    )
  }

  if (capabilities.makeFifo !== undefined) {
    const { makeFifo } = capabilities
    it.effect("never waits on a named pipe to look at it", () =>
      inFolder(capabilities, (fs, folder) =>
        Effect.gen(function* () {
          yield* makeFifo(`${folder}/pipe`)
          assert.strictEqual((yield* fs.stat(`${folder}/pipe`)).type, "FIFO")
          yield* fs.access(`${folder}/pipe`, { readable: true, writable: true })
          const [entry] = yield* fs.readDirectoryEntries(folder)
          assert.strictEqual(entry?.type, "FIFO")
          yield* fs.remove(`${folder}/pipe`)
        })
      )
    )
  }
}
