import * as ProcessSuite from "@toehold/lab/ProcessSuite"
import { describeWith } from "@toehold/lab/RealPart"
import { accounts, servicesOf } from "./support/distributions.ts"

describeWith(["docker", "mmdebstrap"], "processes on other distributions", () => {
  for (const account of accounts) {
    ProcessSuite.suite(`as ${account.name}`, servicesOf(account), {
      duplex: false,
      inherit: false,
      oddVariableNames: false,
      floodBytes: 1024 * 1024,
      argumentRuns: 5,
      concurrency: 12
    })
  }
})
