/** `toehold shell`: a person at the login shell of a machine. */
import * as SshTerminal from "@toehold/ssh-core/SshTerminal"
import type { Handler } from "../commandSpec.ts"
import { sitAt } from "../personAtTerminal.ts"

export const shell: Handler = (invocation) => sitAt(invocation, SshTerminal.shell)
