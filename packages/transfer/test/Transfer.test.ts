import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Sink, Stream } from "effect"
import { describeWith } from "@toehold/lab/RealPart"
import * as ChildProcess from "node:child_process"
import * as Crypto from "node:crypto"
import * as Fs from "node:fs"
import * as Path from "node:path"
import type { Endpoint } from "../src/Endpoint.ts"
import type { Progress } from "../src/Progress.ts"
import * as Transfer from "../src/Transfer.ts"
import type { TransferError } from "../src/TransferError.ts"
import { endOf, services, temporary } from "./support/ends.ts"
import { bytes, file, folder, look, treeOf, write } from "./support/trees.ts"

const sha256 = (data: Uint8Array | string) => Crypto.createHash("sha256").update(data).digest("hex")

/** Two ends and a folder for them. */
const prepare = Effect.gen(function* () {
  const root = yield* temporary
  const ends = { from: yield* endOf("gnu", "here"), to: yield* endOf("gnu", "there") }
  const at = (name: string) => Path.join(root, name)
  return { root, ends, at }
})

const test = <A, E>(title: string, body: (place: Effect.Success<typeof prepare>) => Effect.Effect<A, E>) =>
  it.live(title, () => Effect.flatMap(prepare, body).pipe(Effect.scoped, Effect.provide(services)))

const own = (root: string) => look(root).filter((line) => /[/"]\.toehold-/.test(line))

const failsWith = <A>(effect: Effect.Effect<A, TransferError>, tag: string) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.strictEqual(error.reason._tag, tag, error.message)
    return error
  })

/** The same end, with another way to read or write. */
const withFiles = (end: Endpoint, files: Partial<FileSystem.FileSystem>): Endpoint => ({
  ...end,
  files: FileSystem.FileSystem.of({ ...end.files, ...files })
})

describe("one file", () => {
  test("goes to a new name, over a file, into a folder, and into one that its slash asks for", ({ at, ends, root }) =>
    Effect.gen(function* () {
      write(root, treeOf({ a: file("one", { mode: 0o751, mtime: 1_234_567_890 }), dir: folder(), old: file("old") }))
      for (const target of ["new", "old", "dir", "made/"]) {
        const done = yield* Transfer.copy({ ...ends, sources: [at("a")], target: at(target) })
        assert.deepInclude(done, { files: 1, bytes: 3, skipped: 0 })
      }
      for (const path of ["new", "old", "dir/a", "made/a"]) {
        const stat = Fs.statSync(at(path))
        assert.deepStrictEqual(
          [Fs.readFileSync(at(path), "utf8"), stat.mode & 0o7777, stat.mtimeMs],
          ["one", 0o751, 1_234_567_890_000]
        )
      }
      const deep = { ...ends, sources: [at("a")], target: at("x/y/z") }
      assert.deepInclude((yield* failsWith(Transfer.copy(deep), "NotFound")).reason, { path: at("x/y"), end: "target" })
      yield* Transfer.copy({ ...deep, parents: true })
      assert.strictEqual(Fs.readFileSync(at("x/y/z"), "utf8"), "one")
      assert.deepStrictEqual(own(root), [])
    }))

  test("replaces a link instead of writing through it, and follows one that is named", ({ at, ends, root }) =>
    Effect.gen(function* () {
      write(root, treeOf({ a: file("one"), precious: file("precious") }))
      Fs.symlinkSync(at("precious"), at("link"))
      yield* Transfer.copy({ ...ends, sources: [at("a")], target: at("link") })
      assert.isTrue(Fs.lstatSync(at("link")).isFile())
      assert.strictEqual(Fs.readFileSync(at("precious"), "utf8"), "precious")
      Fs.symlinkSync(at("precious"), at("named"))
      yield* Transfer.copy({ ...ends, sources: [at("named")], target: at("copy") })
      assert.strictEqual(Fs.readFileSync(at("copy"), "utf8"), "precious")
    }))

  test("is skipped where it is there byte for byte, and sent where only size and time are the same", ({ at, ends }) =>
    Effect.gen(function* () {
      write(at("."), treeOf({ a: file("8080"), b: file("8080"), c: file("8081") }))
      const copy = (target: string) => Transfer.copy({ ...ends, sources: [at("a")], target: at(target) })
      assert.deepInclude(yield* copy("b"), { files: 0, skipped: 1 })
      assert.deepInclude(yield* copy("c"), { files: 1, skipped: 0 })
      assert.strictEqual(Fs.readFileSync(at("c"), "utf8"), "8080")
    }))

  test("may be empty, or one of /proc and /sys, whose sizes say nothing", ({ at, ends, root }) =>
    Effect.gen(function* () {
      write(root, treeOf({ empty: file("") }))
      const sys = "/sys/kernel/mm/transparent_hugepage/enabled"
      const sources = [at("empty"), "/proc/version", ...(Fs.existsSync(sys) ? [sys] : [])]
      for (const source of sources) {
        const done = yield* Transfer.copy({ ...ends, sources: [source], target: at("copy"), verify: true })
        assert.strictEqual(Fs.readFileSync(at("copy"), "utf8"), Fs.readFileSync(source, "utf8"))
        assert.strictEqual(done.sha256, sha256(Fs.readFileSync(source)))
        assert.strictEqual(done.bytes, Fs.readFileSync(source).length)
      }
    }))

  test("tells of its progress now and then, and at its end", ({ at, ends, root }) =>
    Effect.gen(function* () {
      write(root, treeOf({ a: file(bytes(5_000_000)) }))
      const seen: Array<Progress> = []
      const onProgress = (progress: Progress) => Effect.sync(() => void seen.push(progress))
      yield* Transfer.copy({ ...ends, sources: [at("a")], target: at("b"), onProgress })
      assert.deepInclude(seen.at(-1), { bytes: 5_000_000, totalBytes: 5_000_000, files: 1, totalFiles: 1, eta: 0 })
      assert.isBelow(seen.length, 60)
    }))

  it.live("that is here comes and goes by put and get", () =>
    Effect.gen(function* () {
      const { at, ends, root } = yield* prepare
      write(root, treeOf({ a: file("one") }))
      yield* Transfer.put(ends.to, { sources: [at("a")], target: at("b") })
      yield* Transfer.get(ends.to, { sources: [at("b")], target: at("c") })
      assert.strictEqual(Fs.readFileSync(at("c"), "utf8"), "one")
    }).pipe(Effect.scoped, Effect.provide(services))
  )
})

describe("what can't be transferred is said", () => {
  test("by reason: missing, a folder in the way, a device, two of one name", ({ at, ends, root }) =>
    Effect.gen(function* () {
      write(root, treeOf({ a: file("one"), dir: folder(), "dir/a": folder(), other: folder(), "other/a": file("two") }))
      const copy = (sources: ReadonlyArray<string>, target: string) =>
        Transfer.copy({ ...ends, sources: sources.map(at), target })
      const missing = yield* failsWith(copy(["none"], at("x")), "NotFound")
      assert.deepInclude({ outcome: missing.outcome, placed: missing.placed }, { outcome: "did-not-run", placed: 0 })
      yield* failsWith(copy(["a"], at("dir")), "IsADirectory")
      yield* failsWith(copy(["a"], "/dev/null"), "NotAFile")
      yield* failsWith(Transfer.copy({ ...ends, sources: ["/dev/null"], target: at("x") }), "NotAFile")
      yield* failsWith(copy(["a", "other/a"], at("dir")), "InvalidArgument")
      yield* failsWith(copy(["dir"], at("a")), "NotADirectory")
      yield* failsWith(copy(["a/"], at("x")), "NotADirectory")
      yield* failsWith(copy(["a"], at("a/x")), "NotADirectory")
      yield* failsWith(copy(["a"], "a\0b"), "InvalidArgument")
      yield* failsWith(copy(["a"], at("n".repeat(300))), "UnsafeName")
      assert.deepStrictEqual(own(root), [])
    }))

  test("that the source changed or went while it was read", ({ at, ends, root }) =>
    Effect.gen(function* () {
      const data = bytes(3_000_000)
      for (const [tag, during] of [
        ["SourceChanged", () => Fs.appendFileSync(at("a"), "more")],
        ["SourceChanged", () => Fs.writeFileSync(at("a"), bytes(3_000_000, 2))],
        ["SourceChanged", () => Fs.truncateSync(at("a"), 1000)],
        ["SourceVanished", () => Fs.rmSync(at("a"))]
      ] as const) {
        write(root, treeOf({ a: file(data) }))
        let isDone = false
        const from = withFiles(ends.from, {
          stream: (path, options) =>
            Stream.tap(ends.from.files.stream(path, options), () =>
              Effect.sync(() => {
                if (!isDone) during()
                isDone = true
              })
            )
        })
        const error = yield* failsWith(Transfer.copy({ ...ends, from, sources: [at("a")], target: at("b") }), tag)
        assert.isTrue(error.isRetryable)
        assert.isFalse(Fs.existsSync(at("b")))
        assert.deepStrictEqual(own(root), [])
      }
    }))

  test("that what arrived is not what was sent", ({ at, ends, root }) =>
    Effect.gen(function* () {
      write(root, treeOf({ a: file("one") }))
      const to = withFiles(ends.to, {
        sink: (path, options) =>
          Sink.mapInput(ends.to.files.sink(path, options), (piece: Uint8Array) => piece.map((byte) => byte ^ 1))
      })
      const { reason } = yield* failsWith(
        Transfer.copy({ ...ends, to, sources: [at("a")], target: at("b"), verify: true }),
        "ChecksumMismatch"
      )
      assert.deepInclude(reason, { expected: sha256("one") })
      assert.isFalse(Fs.existsSync(at("b")))
      assert.deepStrictEqual(own(root), [])
    }))
})

describeWith(["root"], "a disk that is full", () => {
  test("ends with NoSpace, and nothing stays that keeps it full", ({ at, ends, root }) =>
    Effect.gen(function* () {
      const disk = at("disk")
      Fs.mkdirSync(disk)
      yield* Effect.acquireRelease(
        Effect.sync(() => ChildProcess.execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", disk])),
        () => Effect.sync(() => ChildProcess.execFileSync("umount", [disk]))
      )
      const many = Object.fromEntries(
        Array.from({ length: 100 }, (_, index) => [`many/${index}`, file(bytes(100_000))])
      )
      write(root, treeOf({ large: file(bytes(4_000_000)), many: folder(), ...many }))
      for (const [source, target] of [
        ["large", "disk/"],
        ["many", "disk/new"],
        ["many/", "disk"]
      ] as const) {
        const error = yield* failsWith(
          Transfer.copy({
            ...ends,
            sources: [at(source) + (source.endsWith("/") ? "/" : "")],
            target: `${at(target)}${target.endsWith("/") ? "/" : ""}`
          }),
          "NoSpace"
        )
        assert.match(error.message, /no room left/)
        assert.deepStrictEqual(own(disk), [])
        assert.isFalse(Fs.existsSync(at("disk/new")))
      }
      for (const name of Fs.readdirSync(disk)) assert.strictEqual(Fs.statSync(Path.join(disk, name)).size, 100_000)
    }).pipe(Effect.scoped))
})
