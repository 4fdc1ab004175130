import * as DropbearServer from "@toehold/lab/DropbearServer"
import * as ProcessSuite from "@toehold/lab/ProcessSuite"
import { describeWith } from "@toehold/lab/RealPart"
import { capabilities, processesOver } from "./support/processes.ts"

const account = { user: "agent", uid: 4242, loginShell: "ash" } as const

describeWith(["dropbear", "dropbearconvert", "private-accounts", "root", "busybox"], "SshProcess", () => {
  ProcessSuite.suite(
    "over dropbear, for an account without rights and BusyBox as its shell",
    processesOver(DropbearServer.make({ account })),
    capabilities
  )
})
