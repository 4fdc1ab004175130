import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import * as ProcessSuite from "@toehold/lab/ProcessSuite"
import { describeWith } from "@toehold/lab/RealPart"
import { capabilities, processesOver } from "./support/processes.ts"

const noise = "echo noise; echo noise >&2; export n=1 c=2 PS1=x; printf 'no end of line'\n"

describeWith(["sshd", "private-accounts", "root", "dash"], "SshProcess for an ordinary account", () => {
  const account = { user: "agent", uid: 4242, loginShell: "dash" } as const
  ProcessSuite.suite(
    "without spare sessions",
    processesOver(OpenSshServer.make({ account }), { spareSessions: 0 }),
    capabilities
  )
})

describeWith(["sshd", "private-accounts", "fish"], "SshProcess with fish as the login shell", () => {
  const homeFiles = { ".config/fish/config.fish": "echo noise; echo noise >&2; set -gx n 1\n" }
  ProcessSuite.suite(
    "that is noisy",
    processesOver(OpenSshServer.make({ account: { loginShell: "fish", homeFiles } })),
    capabilities
  )
})

describeWith(["sshd", "private-accounts", "bash"], "SshProcess with bash as the login shell", () => {
  const account = { loginShell: "bash", homeFiles: { ".bashrc": noise } } as const
  ProcessSuite.suite(
    "that is noisy, on a server that allows one session only",
    processesOver(OpenSshServer.make({ account, config: ["MaxSessions 1", "MaxStartups 100"] })),
    { ...capabilities, concurrency: 4 }
  )
})
