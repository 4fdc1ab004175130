import * as ProcessSuite from "@toehold/lab/ProcessSuite"
import * as RealPart from "@toehold/lab/RealPart"
import * as Machines from "./support/machines.ts"

RealPart.describeWith(RealPart.guestParts, "SerialProcess", () => {
  ProcessSuite.suite("on a BusyBox guest", Machines.guest({ system: "busybox" }), Machines.guestCapabilities)
})
