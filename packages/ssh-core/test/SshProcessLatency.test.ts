import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import * as ProcessSuite from "@toehold/lab/ProcessSuite"
import { describeWith } from "@toehold/lab/RealPart"
import { capabilities, processesOver } from "./support/processes.ts"

describeWith(["sshd"], "SshProcess", () => {
  ProcessSuite.suite("at a round trip of 20 ms", processesOver(OpenSshServer.make(), { roundTrip: "20 millis" }), {
    ...capabilities,
    floodBytes: 512 * 1024,
    argumentRuns: 5
  })
})
