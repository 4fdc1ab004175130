import * as FileSuite from "@toehold/lab/FileSuite"
import * as RealPart from "@toehold/lab/RealPart"
import * as Machines from "./support/machines.ts"

RealPart.describeWith(["script", "private-accounts", "busybox"], "SerialFiles", () => {
  const machine = Machines.pty({ shell: "ash", systemShell: "ash" })
  FileSuite.suite("on a terminal's ash, with ash", machine, { ...Machines.fileCapabilities, wholeSeconds: true })
})
