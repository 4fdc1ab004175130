import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import { forwardingSuite } from "./support/forwarding.ts"

forwardingSuite({
  name: "OpenSSH",
  parts: ["sshd"],
  make: OpenSshServer.make(),
  sockets: { local: true, remote: true },
  stopsListening: true
})
