import * as ProcessSuite from "@toehold/lab/ProcessSuite"
import * as RealPart from "@toehold/lab/RealPart"
import * as Machines from "./support/machines.ts"

const capabilities: ProcessSuite.Capabilities = {
  duplex: false,
  inherit: false,
  oddVariableNames: false,
  floodBytes: 128 * 1024,
  argumentRuns: 3,
  concurrency: 6
}

RealPart.describeWith(RealPart.guestParts, "SerialProcess", () => {
  ProcessSuite.suite("on a Debian guest", Machines.guest({ system: "debian" }), capabilities)
})
