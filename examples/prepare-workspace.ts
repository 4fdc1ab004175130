/**
 * Makes a session's workspace on this machine and clones a repository into it, step by step. Run it again: it finds what is
 * there. The same steps run on any machine whose process spawner is provided.
 *
 *     node examples/prepare-workspace.ts file:///srv/git/project.git main /tmp/workspaces
 */
import { NodeHttpClient, NodeRuntime, NodeServices } from "@effect/platform-node"
import { MachineStatus, SessionConfig, SessionSteps } from "@toehold/bootstrap-service/effect"
import { Console, Effect, Layer } from "effect"

const [repoUrl, branch, workspaceBasePath] = process.argv.slice(2)

const main = Effect.gen(function* () {
  const request = { sessionId: "example", vmId: "local", repoUrl, branch, workspaceBasePath }
  const config = yield* Effect.fromResult(SessionConfig.decode(request))
  const steps = yield* SessionSteps.SessionSteps
  const report = (line: string) => Console.error(line)
  const console = yield* steps.console(config, {}, report)
  const workspace = yield* steps.workspace(config, { console }, report)
  const { commit } = yield* steps.repository(config, { console, workspace }, report)
  yield* Console.log(`${workspace.path} is at ${commit}`)
}).pipe(Effect.catchTag("BootstrapError", ({ fix, message }) => Console.log(`${message}\n${fix}`)))

const services = SessionSteps.layer({ network: "skip" }).pipe(
  Layer.provide([NodeServices.layer, NodeHttpClient.layerUndici, MachineStatus.layerRunning("127.0.0.1")])
)

main.pipe(Effect.provide(services), NodeRuntime.runMain)
