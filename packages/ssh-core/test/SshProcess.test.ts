import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import * as ProcessSuite from "@toehold/lab/ProcessSuite"
import { describeWith } from "@toehold/lab/RealPart"
import { capabilities, processesOver } from "./support/processes.ts"

describeWith(["sshd"], "SshProcess", () => {
  ProcessSuite.suite("over OpenSSH's sshd", processesOver(OpenSshServer.make()), {
    ...capabilities,
    floodBytes: 8 * 1024 * 1024
  })
})
