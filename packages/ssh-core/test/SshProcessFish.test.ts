import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import * as ProcessSuite from "@toehold/lab/ProcessSuite"
import { describeWith } from "@toehold/lab/RealPart"
import { capabilities, processesOver } from "./support/processes.ts"

const homeFiles = { ".config/fish/config.fish": "echo noise; echo noise >&2; set -gx n 1\n" }

const account = { loginShell: "fish", homeFiles } as const

const config = ["MaxSessions 1", "MaxStartups 100"]

describeWith(["sshd", "private-accounts", "fish"], "SshProcess", () => {
  ProcessSuite.suite(
    "with fish that is noisy, where the server allows one session only",
    processesOver(OpenSshServer.make({ account, config })),
    { ...capabilities, concurrency: 4 }
  )
})
