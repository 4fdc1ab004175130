import { spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { pathToFileURL } from "node:url"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as RealPart from "@toehold/lab/RealPart"
import {
  failedFiles,
  howToEnable,
  type Report,
  skippedByPart,
  summaryLine,
  totals,
  withLater
} from "../scripts/testReport.ts"
import { root } from "./checks/Workspace.ts"

const file = (status: string, ...tests: ReadonlyArray<readonly [title: string, status: string]>) => ({
  name: "x.test.ts",
  status,
  assertionResults: tests.map(([title, outcome]) => ({ ancestorTitles: ["SshKey", title], status: outcome }))
})

describe("totals", () => {
  it("adds up the tests of every file", () => {
    const report: Report = {
      testResults: [file("passed", ["a", "passed"], ["b", "skipped"]), file("failed", ["c", "failed"], ["d", "passed"])]
    }
    expect(summaryLine(totals(report))).toBe("2 passed, 1 failed")
  })

  it("counts a file that failed before its tests as one", () => {
    expect(totals({ testResults: [file("failed"), file("failed", ["a", "skipped"])] })).toEqual({
      passed: 0,
      failed: 2
    })
  })
})

const named = (name: string, status: string, ...tests: ReadonlyArray<readonly [string, string]>) => ({
  ...file(status, ...tests),
  name
})

describe("withLater", () => {
  it("takes the word of the later run for what failed in the first, and keeps the rest", () => {
    const first: Report = {
      testResults: [
        named("a", "passed", ["1", "passed"]),
        named("b", "failed", ["2", "failed"], ["3", "passed"]),
        named("c", "failed"),
        named("d", "failed", ["4", "failed"])
      ]
    }
    expect(failedFiles(first)).toEqual(["b", "c", "d"])
    const later: Report = {
      testResults: [named("b", "passed", ["2", "passed"], ["3", "passed"]), named("d", "failed", ["4", "failed"])]
    }
    expect(totals(withLater(first, later))).toEqual({ passed: 3, failed: 2 })
  })
})

describe("skippedByPart", () => {
  it("counts the tests that each missing part skipped", () => {
    const report = {
      testResults: [
        file("passed", ["keys (needs puttygen)", "skipped"], ["plain", "passed"]),
        file("passed", ["both (needs puttygen, ssh-keygen)", "skipped"], ["elsewhere (darwin)", "skipped"])
      ]
    }
    expect([...skippedByPart(report)]).toEqual([
      ["puttygen", 2],
      ["ssh-keygen", 1]
    ])
  })
})

describe("howToEnable", () => {
  it("says one line for the system at hand", () => {
    const { puttygen, busybox } = RealPart.parts
    expect(howToEnable(puttygen, "linux")).toMatch(/^apt-get install -y putty-tools .*Debian, Ubuntu/)
    expect(howToEnable(puttygen, "darwin")).toBe("brew install putty")
    expect(howToEnable(busybox, "darwin")).toMatch(/Debian or Ubuntu.*apt-get install -y busybox-static/)
    expect(howToEnable(puttygen, "win32")).toMatch(/Debian or Ubuntu/)
  })
})

describe("the test command", () => {
  let folder = ""
  beforeAll(() => {
    folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "toehold-command-"))
  })
  afterAll(() => Fs.rmSync(folder, { recursive: true, force: true }))

  const runWith = (env: Readonly<Record<string, string>>, name: string, ...files: ReadonlyArray<string>) => {
    const project = Path.join(folder, name)
    Fs.mkdirSync(project)
    for (const [at, text] of files.entries()) Fs.writeFileSync(Path.join(project, `${at}.test.js`), text)
    const script = Path.join(root, "scripts", "test.ts")
    const ran = spawnSync(process.execPath, [script, "--root", project, "--globals"], {
      cwd: root,
      encoding: "utf8",
      env: { ...process.env, REQUIRE_REAL: "", ...env }
    })
    return { status: ran.status, stdout: ran.stdout, last: ran.stdout.trimEnd().split("\n").at(-1) }
  }

  const run = (name: string, ...files: ReadonlyArray<string>) => {
    const { status, last } = runWith({}, name, ...files)
    return { status, last }
  }

  it("ends well when every test passed", () =>
    expect(run("green", 'test("a", () => {})')).toEqual({ status: 0, last: "1 passed, 0 failed" }))

  it("runs a file that failed beside others once more in CI, alone, and says so", () => {
    const seen = JSON.stringify(Path.join(folder, "seen"))
    const late = `import * as Fs from "node:fs"\ntest("a", () => { const again = Fs.existsSync(${seen}); Fs.writeFileSync(${seen}, ""); expect(again).toBe(true) })`
    const ran = runWith({ CI: "true" }, "late", 'test("b", () => {})', late)
    expect(ran).toMatchObject({ status: 0, last: "2 passed, 0 failed" })
    expect(ran.stdout).toMatch(/once more alone:\n {2}\S*1\.test\.js\n/)
    Fs.rmSync(Path.join(folder, "seen"))
    expect(runWith({ CI: "" }, "late here", late)).toMatchObject({ status: 1, last: "0 passed, 1 failed" })
    const fails = runWith({ CI: "true" }, "red again", 'test("b", () => expect(1).toBe(2))')
    expect(fails).toMatchObject({ status: 1, last: "0 passed, 1 failed" })
  })

  it("fails on a failing test, a file that can't be loaded, an error outside of tests, and on nothing at all", () => {
    const passes = 'test("a", () => {})\n'
    expect(run("red", `${passes}test("b", () => expect(1).toBe(2))`)).toEqual({ status: 1, last: "1 passed, 1 failed" })
    expect(run("unloadable", passes, 'import "./missing.js"')).toEqual({ status: 1, last: "1 passed, 1 failed" })
    const late = `test("a", () => new Promise((done) => setTimeout(done, 50)))\nsetTimeout(() => { throw new Error() }, 1)`
    expect(run("outside", late)).toEqual({ status: 1, last: "1 passed, 0 failed" })
    expect(run("empty")).toEqual({ status: 1, last: "0 passed, 0 failed" })
  })

  // Parts are looked for in these folders as well, which on some systems hold every program.
  const always = ["/usr/sbin", "/sbin", "/usr/local/sbin"]
  const isAlwaysFound = (program: string) => always.some((folder) => Fs.existsSync(Path.join(folder, program)))
  const hidden = Object.values(RealPart.parts).find((part) => !part.programs.some(isAlwaysFound))

  it.runIf(hidden !== undefined)("names a part that is missing, or fails where parts are required", () => {
    const name = hidden?.name ?? ""
    const lab = JSON.stringify(pathToFileURL(Path.join(root, "packages", "lab", "src", "RealPart.ts")))
    const suite = `import { describeWith } from ${lab}\ntest("a", () => {})\ndescribeWith(["${name}"], "x", () => test("b", () => {}))`
    const skipped = runWith({ PATH: "" }, "skipped", suite)
    expect(skipped).toMatchObject({ status: 0, last: "1 passed, 0 failed" })
    expect(skipped.stdout).toContain(`  ${name}, ${hidden?.purpose}: 1 test skipped\n`)
    expect(skipped.stdout).toContain(`apt-get install -y ${hidden?.debianPackage}`)
    const required = runWith({ PATH: "", REQUIRE_REAL: "1" }, "required", suite)
    expect(required).toMatchObject({ status: 1, last: "1 passed, 1 failed" })
  })
})
