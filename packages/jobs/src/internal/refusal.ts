/** What a script says no with, as a reason. */
import * as JobsError from "../JobsError.ts"

export interface Asked {
  readonly id: string
  readonly command?: string
  readonly cwd?: string | undefined
  readonly signal?: string
}

export const refusal = (asked: Asked, code: string, detail: string): JobsError.JobsError => {
  const { command = "", cwd = "~", id, signal = "" } = asked
  switch (code) {
    case "missing":
      return JobsError.make(new JobsError.NotFound({ id }))
    case "running":
      return JobsError.make(new JobsError.StillRunning({ id }))
    case "kill":
      return JobsError.make(new JobsError.KillFailed({ id, signal }))
    case "begin":
      return JobsError.make(new JobsError.NotStarted({ id }))
    case "command":
      return JobsError.make(new JobsError.CommandNotFound({ command }))
    case "folder":
      return JobsError.make(
        new JobsError.InvalidArgument({
          argument: `The working folder ${cwd}`,
          detail: "it does not exist on the machine, or may not be entered"
        })
      )
    case "environment":
      return JobsError.make(
        new JobsError.InvalidArgument({
          argument: "The environment",
          detail: "the machine's shell lets one of the variables not be set"
        })
      )
    case "unsupported":
      return JobsError.make(new JobsError.Unsupported({ detail }))
    default:
      return /no space left|disk quota/i.test(detail)
        ? JobsError.make(new JobsError.NoSpace({ detail }))
        : /permission denied|read-only/i.test(detail)
          ? JobsError.make(new JobsError.PermissionDenied({ detail }))
          : JobsError.make(new JobsError.FileFailed({ detail }))
  }
}
