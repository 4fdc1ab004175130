import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import { forwardingSuite } from "./support/forwarding.ts"
import { connect } from "./support/openSsh.ts"

forwardingSuite({
  name: "the system's ssh",
  parts: ["ssh", "sshd"],
  make: OpenSshServer.make(),
  sockets: { local: true, remote: true },
  stopsListening: true,
  login: (server) => connect(server)
})
