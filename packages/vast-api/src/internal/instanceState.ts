import { oneLine } from "@toehold/shell/RemoteText"
import type { Instance } from "../Instance.ts"
import { InstanceFailed } from "./reason.ts"

/** What would be news to someone who waits. */
export const fingerprint = (instance: Instance): string =>
  [instance.actual_status, instance.intended_status, instance.next_state, instance.status_msg].join("\n")

/** Words of the container runtime from which there is no way on. */
const fatal =
  /OCI runtime create failed|Error response from daemon|manifest (for .{1,300} not found|unknown)|pull access denied|no space left on device|invalid reference format|unauthorized: /i

interface Limits {
  readonly settle: number
  readonly stuckAfter: number
}

/** Why the instance will not run, if it won't; `still` says for how many milliseconds nothing has changed. */
export const failureOf = (instance: Instance, still: number, limits: Limits): InstanceFailed | undefined => {
  const status = instance.actual_status ?? "not known yet"
  const detail = oneLine(instance.status_msg ?? "").slice(0, 600)
  const failed = (why: InstanceFailed["why"]): InstanceFailed =>
    new InstanceFailed({ instance: instance.id, why, status: oneLine(status).slice(0, 100), detail })
  if (status === "running" && instance.intended_status !== "stopped") return undefined
  if (status !== "running" && status !== "rebooting" && fatal.test(detail)) return failed("container")
  if (instance.intended_status === "stopped") return failed(status === "loading" ? "stuck" : "stopped")
  const isSettled = still >= limits.settle
  switch (status) {
    case "exited":
    case "stopped":
    case "frozen":
      // Told to run, and yet it does not: at first the news may not have reached it.
      if (!isSettled) return undefined
      return failed(instance.cur_state === "stopped" && instance.next_state === "running" ? "scheduling" : "stopped")
    case "offline":
      return isSettled ? failed("offline") : undefined
    default:
      return still >= limits.stuckAfter ? failed("stuck") : undefined
  }
}
