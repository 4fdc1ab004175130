/**
 * What `npm test` says after the tests, all of it read from vitest's JSON report.
 */

/** The part of vitest's JSON report that is read here. */
export interface Report {
  readonly testResults: ReadonlyArray<{
    readonly name: string
    readonly status: string
    readonly assertionResults: ReadonlyArray<{
      readonly ancestorTitles: ReadonlyArray<string>
      readonly status: string
    }>
  }>
}

export interface Totals {
  readonly passed: number
  readonly failed: number
}

/** A file that fails outside of its tests (an import, a hook) reports no failed test: it counts as one. */
export const totals = (report: Report): Totals => {
  let passed = 0
  let failed = 0
  for (const file of report.testResults) {
    const count = (status: string) => file.assertionResults.filter((test) => test.status === status).length
    passed += count("passed")
    failed += file.status === "failed" ? Math.max(1, count("failed")) : count("failed")
  }
  return { passed, failed }
}

/** The files that have a failed test, or that failed outside of their tests. */
export const failedFiles = (report: Report): ReadonlyArray<string> =>
  report.testResults.filter((file) => totals({ testResults: [file] }).failed > 0).map(({ name }) => name)

/** The report with what a later run says about the files that it ran. */
export const withLater = (report: Report, later: Report): Report => ({
  testResults: report.testResults.map((file) => later.testResults.find(({ name }) => name === file.name) ?? file)
})

/** How many tests each missing part skipped, by the part's name: `describeWith` puts the names into the title. */
export const skippedByPart = (report: Report): ReadonlyMap<string, number> => {
  const skipped = new Map<string, number>()
  for (const test of report.testResults.flatMap((file) => file.assertionResults)) {
    const needs = test.ancestorTitles.map((title) => /\(needs ([^()]+)\)$/.exec(title)?.[1])
    const names = needs.flatMap((list) => list?.split(", ") ?? [])
    for (const name of new Set(names)) skipped.set(name, (skipped.get(name) ?? 0) + 1)
  }
  return skipped
}

/** Formulas of the parts that macOS doesn't bring itself. */
const brewFormulas: Readonly<Record<string, string>> = { dropbear: "dropbear", fish: "fish", puttygen: "putty" }

/** The one line that brings a missing part to this system. */
export const howToEnable = (
  part: { readonly name: string; readonly debianPackage: string; readonly remedy?: string },
  platform: string
): string => {
  if (part.remedy !== undefined) return part.remedy
  if (platform === "linux") return `apt-get install -y ${part.debianPackage}   (Debian, Ubuntu; as root)`
  const formula = brewFormulas[part.name]
  if (platform === "darwin" && formula !== undefined) return `brew install ${formula}`
  return `run the tests on Debian or Ubuntu with: apt-get install -y ${part.debianPackage}`
}

export const summaryLine = ({ passed, failed }: Totals): string => `${passed} passed, ${failed} failed`
