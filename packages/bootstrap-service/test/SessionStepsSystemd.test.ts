import * as RealPart from "@toehold/lab/RealPart"
import * as Serial from "./support/serial.ts"
import { flow } from "./support/suite.ts"

RealPart.describeWith(RealPart.guestParts, "The steps of a session on a guest with OpenCode as a unit", () => {
  flow(Serial.layer("systemd"), { by: "systemd", network: "Configured" })
})
