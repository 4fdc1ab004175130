/** `toehold vast ssh-url` and `scp-url`: where an instance's SSH server is, for other programs. */
import { Effect } from "effect"
import * as Instance from "@toehold/vast-api/Instance"
import * as MachineError from "@toehold/machines/MachineError"
import * as VastName from "@toehold/machines/VastName"
import * as ExitCode from "../../../ExitCode.ts"
import type { Handler } from "../../commandSpec.ts"
import { print, printJson } from "../../print.ts"
import { addressText } from "../../vast/instanceDocument.ts"
import { readInstance, vast } from "../../vast/read.ts"

const printUrl = (scheme: "ssh" | "scp"): Handler =>
  Effect.fnUntraced(function* (invocation) {
    const id = yield* readInstance(invocation)
    const wanted = invocation.one("route")
    const { instances } = yield* vast
    const urls = Instance.sshAddresses(yield* instances.show(id))
      .filter(({ kind }) => wanted === undefined || kind === wanted)
      .map((address) => ({ ...address, user: "root", url: `${scheme}://root@${addressText(address)}` }))
    const [first] = urls
    if (first === undefined) {
      return yield* MachineError.make(new MachineError.RoutesFailed({ machine: VastName.nameOf(id), attempts: [] }))
    }
    yield* invocation.has("json") ? printJson({ instance: id, urls }) : print(`${first.url}\n`)
    return ExitCode.done
  })

export const vastSshUrl = printUrl("ssh")
export const vastScpUrl = printUrl("scp")
