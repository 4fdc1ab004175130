import * as ProcessSuite from "@toehold/lab/ProcessSuite"
import * as RealPart from "@toehold/lab/RealPart"
import * as Machines from "./support/machines.ts"

RealPart.describeWith(["script", "private-accounts", "busybox"], "SerialProcess", () => {
  ProcessSuite.suite(
    "on a terminal's ash, with ash",
    Machines.pty({ shell: "ash", systemShell: "ash" }),
    Machines.capabilities
  )
})
