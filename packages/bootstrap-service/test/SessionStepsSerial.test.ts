import * as RealPart from "@toehold/lab/RealPart"
import * as Serial from "./support/serial.ts"
import { flow } from "./support/suite.ts"

RealPart.describeWith(RealPart.guestParts, "The steps of a session over a guest's console", () => {
  flow(Serial.layer("job"), { network: "Configured" })
})
