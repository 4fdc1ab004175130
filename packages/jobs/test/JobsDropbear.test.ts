import { NodeServices } from "@effect/platform-node"
import { Layer } from "effect"
import * as DropbearServer from "@toehold/lab/DropbearServer"
import { describeWith } from "@toehold/lab/RealPart"
import * as Ssh from "./support/ssh.ts"
import { suite } from "./support/suite.ts"

describeWith(["dropbear", "busybox", "private-accounts"], "Jobs over dropbear, as a user of BusyBox", () =>
  suite(
    Ssh.layer(
      DropbearServer.DropbearServer,
      DropbearServer.layer({ account: { loginShell: "ash" } }).pipe(Layer.provide(NodeServices.layer))
    )
  )
)
