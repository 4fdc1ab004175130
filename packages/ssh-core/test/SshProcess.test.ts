import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import * as ProcessSuite from "@toehold/lab/ProcessSuite"
import { describeWith } from "@toehold/lab/RealPart"
import { capabilities, processesOver } from "./support/processes.ts"

const noise = "echo noise; echo noise >&2; export n=1 c=2 l=3 PS1=x; printf 'no end of line'\n"

const account = { loginShell: "bash", homeFiles: { ".bashrc": noise } } as const

describeWith(["sshd", "private-accounts", "bash"], "SshProcess", () => {
  ProcessSuite.suite("over OpenSSH's sshd, with bash that is noisy", processesOver(OpenSshServer.make({ account })), {
    ...capabilities,
    floodBytes: 8 * 1024 * 1024
  })
})
