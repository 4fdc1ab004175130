/** A folder of the session's own. */
import { Effect } from "effect"
import * as BootstrapError from "../../BootstrapError.ts"
import { defaultWorkspaceBasePath, type SessionConfig } from "../../SessionConfig.ts"
import type { ConsoleReady, WorkspaceReady, Report } from "../../SessionStep.ts"
import { run, type Spawner } from "../machineShell.ts"
import { workspace as text } from "../script/workspace.ts"

export const workspace = (spawner: Spawner) =>
  Effect.fn("SessionSteps.workspace")(function* (config: SessionConfig, who: ConsoleReady, report: Report) {
    const asked = (config.workspaceBasePath ?? defaultWorkspaceBasePath).replace(/\/$/, "")
    const bases = [
      ...new Set([
        asked,
        `${who.home.replace(/\/$/, "")}/workspaces`,
        `/var/tmp/workspaces-${who.runAs}`,
        `/tmp/workspaces-${who.runAs}`
      ])
    ]
    yield* report(`Making the workspace in ${asked}`)
    const facts = yield* run(spawner, { step: "workspace", text, args: [config.sessionId, ...bases], as: who })
    const taken = facts.get("taken")
    if (taken !== undefined) {
      return yield* BootstrapError.make(new BootstrapError.WorkspaceTaken({ path: taken }))
    }
    const path = facts.get("path")
    const refused = facts.all("refused")
    if (path === undefined) {
      const full = refused.find((words) => /No space left|Disk quota/.test(words))
      const detail = full ?? refused[0] ?? "nothing was tried"
      return yield* BootstrapError.make(
        full === undefined
          ? new BootstrapError.WorkspaceReadOnly({ paths: bases, detail })
          : new BootstrapError.NoSpace({ step: "workspace", path: asked, detail })
      )
    }
    const isFallback = facts.get("base") !== asked
    yield* report(
      isFallback
        ? `The workspace is ${path}, since it can't be where it was asked for (${refused[0] ?? "it is elsewhere already"})`
        : `The workspace is ${path}`
    )
    const ready: WorkspaceReady = { path, isFallback }
    return ready
  })
