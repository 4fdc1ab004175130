import * as ProcessSuite from "@toehold/lab/ProcessSuite"
import * as RealPart from "@toehold/lab/RealPart"
import * as Machines from "./support/machines.ts"

const capabilities: ProcessSuite.Capabilities = {
  duplex: false,
  inherit: false,
  oddVariableNames: false,
  floodBytes: 1024 * 1024,
  argumentRuns: 10,
  concurrency: 8
}

RealPart.describeWith(["script", "bash"], "SerialProcess", () => {
  ProcessSuite.suite("on a terminal's bash", Machines.pty({ shell: "bash" }), capabilities)
})
