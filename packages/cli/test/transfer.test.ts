import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as ExitCode from "../src/ExitCode.ts"
import type { FailureDocument } from "../src/FailureDocument.ts"
import { barOf, lineOf, shownBytes } from "../src/internal/transferProgress.ts"
import { toehold, toeholdJson } from "./support/program.ts"

const temporary = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "cli-transfer-"))),
  (folder) => Effect.sync(() => Fs.rmSync(folder, { recursive: true, force: true }))
)

interface Document {
  readonly files: number
  readonly bytes: number
  readonly skipped: number
  readonly sha256?: string
  readonly deleted?: ReadonlyArray<string>
  readonly changes?: ReadonlyArray<unknown>
}

const prepare = Effect.map(temporary, (root) => {
  const source = Path.join(root, "source")
  Fs.mkdirSync(Path.join(source, "sub"), { recursive: true })
  Fs.writeFileSync(Path.join(source, "a"), "one\n")
  Fs.writeFileSync(Path.join(source, "sub", "b.o"), "two\n")
  return { root, source }
})

describe("put and get", () => {
  it.live("send a file and a folder, and print one document", () =>
    Effect.gen(function* () {
      const { root, source } = yield* prepare
      const one = yield* toeholdJson<Document>(["put", `${source}/a`, `local:${root}/copy`, "--verify", "--json"])
      assert.strictEqual(one.exitCode, 0)
      assert.deepInclude(one.json, {
        files: 1,
        bytes: 4,
        skipped: 0,
        sha256: "2c8b08da5ce60398e1f19af0e5dccc744df274b826abe585eaba68c525434806"
      })
      assert.notProperty(one.json, "deleted")
      const again = yield* toeholdJson<Document>([
        "get",
        `local:${root}/copy`,
        `local:${source}/sub`,
        `${root}/`,
        "--json"
      ])
      assert.deepInclude(again.json, { files: 1, skipped: 1 })
      assert.strictEqual(Fs.readFileSync(Path.join(root, "sub/b.o"), "utf8"), "two\n")
      const text = yield* toehold(["put", "-r", source, `local:${root}/new`, "--exclude", "*.o"])
      assert.match(text.stdout, /^1 file, 4 B in /)
      assert.deepStrictEqual(Fs.readdirSync(Path.join(root, "new")), ["a", "sub"])
      assert.deepStrictEqual(Fs.readdirSync(Path.join(root, "new/sub")), [])
    }).pipe(Effect.scoped)
  )

  it.live("say in a document what went wrong, with the exit code that belongs to it", () =>
    Effect.gen(function* () {
      const { root, source } = yield* prepare
      const missing = yield* toeholdJson<FailureDocument>(["put", `${root}/none`, `local:${root}/x`, "--json"])
      assert.strictEqual(missing.exitCode, ExitCode.noInput)
      assert.deepInclude(missing.json.error, { reason: "NotFound", outcome: "did-not-run", isRetryable: false })
      assert.deepInclude(missing.json.error.details, { path: `${root}/none`, end: "source", placed: 0 })
      const way = yield* toeholdJson<FailureDocument>(["put", source, `local:${source}/a`, "--json"])
      assert.strictEqual(way.exitCode, ExitCode.badInput)
      assert.strictEqual(way.json.error.reason, "NotADirectory")
      const text = yield* toehold(["get", `local:${root}/none`, root])
      assert.strictEqual(text.stderr, `toehold: ${root}/none does not exist.\nCheck the path.\n`)
    }).pipe(Effect.scoped)
  )

  it.effect("refuse a command line that says no machine, or says it twice", () =>
    Effect.gen(function* () {
      for (const words of [
        ["put", "a", "b"],
        ["get", "a", "b"],
        ["get", "local:a", "web:b", "c"],
        ["sync", "a", "b"],
        ["put", "local:b"],
        ["put", "a", "host:2222"]
      ]) {
        const ran = yield* toehold(words)
        assert.strictEqual(ran.exitCode, ExitCode.usage, words.join(" "))
        assert.match(ran.stderr, /machine|MACHINE:PATH|port/)
      }
    })
  )
})

describe("sync", () => {
  it.live("shows what it would do, and does it", () =>
    Effect.gen(function* () {
      const { root, source } = yield* prepare
      const target = Path.join(root, "target")
      Fs.mkdirSync(target)
      Fs.writeFileSync(Path.join(target, "gone"), "")
      const words = ["sync", `${source}/`, `local:${target}`, "--delete"]
      const shown = yield* toehold([...words, "-n"])
      assert.strictEqual(shown.stdout, "folder sub\nsend a\nsend sub/b.o\ndelete gone\n")
      const planned = yield* toeholdJson<Document>([...words, "--dry-run", "--json"])
      assert.lengthOf(planned.json.changes ?? [], 4)
      assert.deepStrictEqual(Fs.readdirSync(target), ["gone"])
      const done = yield* toeholdJson<Document>([...words, "--json"])
      assert.deepInclude(done.json, { files: 2, bytes: 8, skipped: 0, deleted: ["gone"] })
      assert.notProperty(done.json, "changes")
      const back = yield* toeholdJson<Document>(["sync", `local:${target}/`, `${source}/`, "--json"])
      assert.deepInclude(back.json, { files: 0, skipped: 2 })
    }).pipe(Effect.scoped)
  )
})

describe("progress", () => {
  const progress = { bytes: 25_000_000, totalBytes: 100_000_000, files: 3, totalFiles: 10, rate: 5_000_000, eta: 15 }

  it("is a line, or a bar that fits the terminal", () => {
    assert.strictEqual(lineOf(progress), "25 % of 100 MB (25.0 MB), 3 of 10 files, 5.0 MB/s, 15 s left")
    assert.match(lineOf({ ...progress, rate: 0, eta: undefined }), /stalled$/)
    assert.strictEqual(barOf(progress, 50), "\r\u001b[K[#####             ] 25 %  3/10  5.0 MB/s  15 s")
    for (const columns of [1, 5, 20, 80, 500]) assert.isBelow(barOf(progress, columns).length - 4, Math.max(1, columns))
  })

  it("counts in thousands", () => {
    assert.deepStrictEqual([0, 999, 1000, 12_345, 999_600, 3.2e12, 4e15].map(shownBytes), [
      "0 B",
      "999 B",
      "1.0 kB",
      "12.3 kB",
      "1.0 MB",
      "3.2 TB",
      "4000 TB"
    ])
  })
})
