import * as ProcessSuite from "@toehold/lab/ProcessSuite"
import * as RealPart from "@toehold/lab/RealPart"
import * as Machines from "./support/machines.ts"

RealPart.describeWith(["script", "bash"], "SerialProcess", () => {
  ProcessSuite.suite("on a terminal's bash, with dash", Machines.pty({ shell: "bash" }), Machines.capabilities)
})
