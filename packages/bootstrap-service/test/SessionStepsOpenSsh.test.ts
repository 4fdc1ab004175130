import { describeWith } from "@toehold/lab/RealPart"
import * as Ssh from "./support/ssh.ts"
import { suite } from "./support/suite.ts"

describeWith(["sshd", "fish", "private-accounts", "busybox", "git"], "The steps of a session over SSH", () =>
  suite(Ssh.layer({ loginShell: "fish" }))
)
