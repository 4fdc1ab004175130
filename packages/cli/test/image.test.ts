import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Finding } from "@toehold/bootstrap-service/ImageCheck"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as ExitCode from "../src/ExitCode.ts"
import { toehold, toeholdJson } from "./support/program.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "image-"))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true }))
)

describe("toehold image check", () => {
  it.live("says what a root file system lacks, for people and for programs", () =>
    Effect.gen(function* () {
      const root = yield* folder
      Fs.mkdirSync(Path.join(root, "etc"))
      Fs.writeFileSync(Path.join(root, "etc", "passwd"), "agent:x:1000:1000::/home/a\u001b[2Jgent:/bin/sh\n")
      const { exitCode, stdout } = yield* toehold(["image", "check", root])
      assert.strictEqual(exitCode, ExitCode.failed)
      assert.match(stdout, /^FAIL {2}git {11}there is no git\n {20}install git$/m)
      assert.match(stdout, /Not ready for agent sessions/)
      assert.notInclude(stdout, "\u001b")

      const { json: document } = yield* toeholdJson<{
        readonly findings: ReadonlyArray<Finding>
        readonly ready: boolean
      }>(["image", "check", root, "--json"])
      assert.isFalse(document.ready)
      assert.deepInclude(
        document.findings.find(({ name }) => name === "autologin"),
        { state: "missing", detail: "nobody is logged in on ttyS0" }
      )
    }).pipe(Effect.scoped)
  )

  it.live("looks at a machine that runs, and says what it can't look at", () =>
    Effect.gen(function* () {
      const { stdout } = yield* toehold(["image", "check", "local:"])
      assert.match(stdout, /^ok {4}shell {9}\/bin\/sh$/m)
      const { exitCode, stderr } = yield* toehold(["image", "check", "./no/such/folder"])
      assert.notStrictEqual(exitCode, 0)
      assert.include(stderr, "no/such/folder")
    })
  )
})
