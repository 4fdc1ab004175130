import * as FileSuite from "@toehold/lab/FileSuite"
import * as RealPart from "@toehold/lab/RealPart"
import * as Machines from "./support/machines.ts"

RealPart.describeWith(["script", "bash"], "SerialFiles", () => {
  FileSuite.suite("on a terminal's bash, with dash", Machines.pty({ shell: "bash" }), Machines.fileCapabilities)
})
