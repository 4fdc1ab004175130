import * as FileSuite from "@toehold/lab/FileSuite"
import * as RealPart from "@toehold/lab/RealPart"
import * as Machines from "./support/machines.ts"

RealPart.describeWith(RealPart.guestParts, "SerialFiles", () => {
  FileSuite.suite("on a BusyBox guest", Machines.guest({ system: "busybox" }), Machines.guestFileCapabilities)
})
