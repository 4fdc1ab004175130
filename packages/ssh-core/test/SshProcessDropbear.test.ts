import * as DropbearServer from "@toehold/lab/DropbearServer"
import * as ProcessSuite from "@toehold/lab/ProcessSuite"
import { describeWith } from "@toehold/lab/RealPart"
import { capabilities, processesOver } from "./support/processes.ts"

describeWith(["dropbear", "dropbearconvert", "private-accounts", "busybox"], "SshProcess over dropbear", () => {
  ProcessSuite.suite(
    "with BusyBox as the login shell",
    processesOver(DropbearServer.make({ account: { loginShell: "ash" } })),
    capabilities
  )
})

describeWith(["dropbear", "dropbearconvert", "private-accounts", "root"], "SshProcess over dropbear", () => {
  const account = { user: "agent", uid: 4242, loginShell: "sh" } as const
  ProcessSuite.suite("for an ordinary account", processesOver(DropbearServer.make({ account })), capabilities)
})
