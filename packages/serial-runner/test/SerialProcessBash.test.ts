import * as ProcessSuite from "@toehold/lab/ProcessSuite"
import * as RealPart from "@toehold/lab/RealPart"
import * as Machines from "./support/machines.ts"

RealPart.describeWith(["script", "private-accounts", "bash", "dash"], "SerialProcess", () => {
  ProcessSuite.suite(
    "on a terminal's dash, with bash",
    Machines.pty({ shell: "dash", systemShell: "bash" }),
    Machines.capabilities
  )
})
