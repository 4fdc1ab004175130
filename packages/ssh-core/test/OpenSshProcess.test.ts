import * as ProcessSuite from "@toehold/lab/ProcessSuite"
import { describeWith } from "@toehold/lab/RealPart"
import { layer } from "./support/openSsh.ts"

describeWith(["ssh", "sshd"], "processes over the system's ssh", () =>
  ProcessSuite.suite("a real sshd", layer(), { inherit: false, duplex: false, oddVariableNames: false })
)
