import * as DropbearServer from "@toehold/lab/DropbearServer"
import { forwardingSuite } from "./support/forwarding.ts"

forwardingSuite({
  name: "dropbear",
  parts: ["dropbear", "dropbearconvert", "private-accounts"],
  make: DropbearServer.make(),
  sockets: { local: false, remote: false },
  stopsListening: false
})
