/** A shell answers, and it is known who it is. */
import { Effect } from "effect"
import * as BootstrapError from "../../BootstrapError.ts"
import type { ConsoleReady, Report } from "../../SessionStep.ts"
import { run, type Spawner } from "../machineShell.ts"

// Of root's consoles the agent's account is what the session runs as.
const text = `
LC_ALL=C
export LC_ALL
u=$(id -u) || exit 1
n=$(id -un 2>/dev/null) || n=$u
r=$n
h=\${HOME:-/}
if [ "$u" = 0 ] && id agent >/dev/null 2>&1; then
  r=agent
  h=~agent
fi
printf '%s\\n' "uid $u" "user $n" "runas $r" "home $h"
if b=$(cat /proc/sys/kernel/random/boot_id 2>/dev/null); then
  # A container that is started anew is so within the same boot of its kernel.
  s=$(cat /proc/1/stat 2>/dev/null)
  set -f
  set -- \${s##*) }
  printf '%s\\n' "boot $b:\${20}"
fi
echo end
`

export const console = (spawner: Spawner) =>
  Effect.fn("SessionSteps.console")(function* (report: Report) {
    yield* report("Waiting for a shell")
    const facts = yield* run(spawner, { step: "console", text, timeout: "30 seconds" })
    const [uid, user, runAs, home] = ["uid", "user", "runas", "home"].map((name) => facts.get(name) ?? "")
    if (!/^[0-9]{1,10}$/.test(uid ?? "") || !user || !runAs || !home?.startsWith("/")) {
      const detail = "it does not say who is logged in"
      return yield* BootstrapError.make(new BootstrapError.BadAnswer({ step: "console", detail }))
    }
    const bootId = facts.get("boot")
    yield* report(
      runAs === user ? `A shell answers as ${user}` : `A shell answers as ${user}; the session is ${runAs}'s`
    )
    const ready: ConsoleReady = {
      user,
      uid: Number(uid),
      runAs,
      home,
      ...(bootId === undefined ? {} : { bootId })
    }
    return ready
  })
