import { Effect, Layer } from "effect"
import type { BootstrapError } from "../../src/BootstrapError.ts"
import type { SessionConfig } from "../../src/SessionConfig.ts"
import { SessionMachines } from "../../src/SessionMachines.ts"
import type { Report, SessionStep } from "../../src/SessionStep.ts"

/** What a test has a step do, before it comes to what it always comes to. */
export type Act = (
  step: SessionStep | "stop",
  config: SessionConfig,
  report: Report
) => Effect.Effect<void, BootstrapError>

const silent: Report = () => Effect.void

/** Machines whose steps do what a test says. */
export const fakeMachines = (act: Act): Layer.Layer<SessionMachines> => {
  const on =
    <Done>(step: SessionStep | "stop", done: Done) =>
    (config: SessionConfig, _given: unknown, report: Report = silent) =>
      Effect.as(act(step, config, report), done)
  return Layer.succeed(SessionMachines, {
    steps: (config) =>
      Effect.succeed({
        machine: on("machine", { ip: "10.0.100.20" }),
        console: on("console", { user: "agent", uid: 1000, runAs: "agent", home: "/home/agent" }),
        network: on("network", { _tag: "Skipped" as const }),
        workspace: on("workspace", { path: `/home/agent/workspaces/${config.sessionId}`, isFallback: false }),
        repository: on("repository", { commit: "0".repeat(40), branch: "main" }),
        openCode: on("openCode", { by: "job" as const, name: `opencode-${config.sessionId}`, wasRunning: false }),
        health: on("health", { url: "http://10.0.100.20:4096" }),
        stop: on("stop", undefined)
      })
  })
}

/** A configuration that passes every check. */
export const configOf = (sessionId: string, changes: Partial<SessionConfig> = {}): SessionConfig => ({
  sessionId,
  repoUrl: "https://example.org/repo.git",
  vmId: `vm-${sessionId}`,
  ...changes
})
