import { NodeServices } from "@effect/platform-node"
import { Layer } from "effect"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import { describeWith } from "@toehold/lab/RealPart"
import * as Ssh from "./support/ssh.ts"
import { suite } from "./support/suite.ts"

describeWith(["sshd", "fish", "private-accounts"], "Jobs over OpenSSH, as a user of fish", () =>
  suite(
    Ssh.layer(
      OpenSshServer.OpenSshServer,
      OpenSshServer.layer({ account: { loginShell: "fish" } }).pipe(Layer.provide(NodeServices.layer))
    )
  )
)
