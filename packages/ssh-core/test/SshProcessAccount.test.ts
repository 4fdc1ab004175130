import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import * as ProcessSuite from "@toehold/lab/ProcessSuite"
import { describeWith } from "@toehold/lab/RealPart"
import { capabilities, processesOver } from "./support/processes.ts"

const account = { user: "agent", uid: 4242, loginShell: "dash" } as const

describeWith(["sshd", "private-accounts", "root", "dash"], "SshProcess", () => {
  ProcessSuite.suite(
    "for an account without rights, without spare sessions",
    processesOver(OpenSshServer.make({ account }), { spareSessions: 0 }),
    capabilities
  )
})
