/**
 * What each step of an agent session does on its machine. Every step may be taken again at any time, also while an
 * earlier attempt still goes on there: it finds what is done, and does nothing twice.
 *
 * @since 0.1.0
 */
import { Context, type Duration, Effect, Layer } from "effect"
import { HttpClient } from "effect/http"
import { ChildProcessSpawner } from "effect/process"
import * as Jobs from "@toehold/jobs/Jobs"
import type { BootstrapError } from "./BootstrapError.ts"
import { console } from "./internal/step/console.ts"
import { health } from "./internal/step/health.ts"
import { machine } from "./internal/step/machine.ts"
import { network } from "./internal/step/network.ts"
import { openCode } from "./internal/step/openCode.ts"
import { repository } from "./internal/step/repository.ts"
import { stop } from "./internal/step/stop.ts"
import { workspace } from "./internal/step/workspace.ts"
import { MachineStatus } from "./MachineStatus.ts"
import type { MachineNetwork } from "./MachineNetwork.ts"
import type { SessionConfig } from "./SessionConfig.ts"
import type {
  ConsoleReady,
  Healthy,
  MachineReady,
  NetworkReady,
  OpenCodeReady,
  Report,
  RepositoryReady,
  WorkspaceReady
} from "./SessionStep.ts"

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** `skip` where the way in is a network already (SSH, the local machine). Default: `{}`, set up. */
  readonly network?: MachineNetwork | "skip" | undefined
  /** How long a machine may take to run and have an address. Default: 15 seconds. */
  readonly machineTimeout?: Duration.Input | undefined
  /** How long the machine itself lets a clone go on. Default: 30 minutes. */
  readonly cloneTimeout?: Duration.Input | undefined
  /** How long one look at OpenCode's health may take. Default: 2 seconds. */
  readonly healthRequestTimeout?: Duration.Input | undefined
  /** How long a machine may be out of reach before a step fails. Default: one minute. */
  readonly reconnectFor?: Duration.Input | undefined
}

type Step<Given, Done> = (config: SessionConfig, given: Given, report?: Report) => Effect.Effect<Done, BootstrapError>

/**
 * The steps, in their order. `given` is what earlier ones came to.
 *
 * @since 0.1.0
 * @category services
 */
export class SessionSteps extends Context.Service<
  SessionSteps,
  {
    /** The machine runs and has an address; one that comes late is waited for. It needs no connection. */
    readonly machine: Step<{}, MachineReady>
    /** A shell answers, and it is known who it is. */
    readonly console: Step<{}, ConsoleReady>
    /** Link, address, default route and name servers, changed only where they aren't right already. */
    readonly network: Step<{ readonly machine: MachineReady; readonly console: ConsoleReady }, NetworkReady>
    /** A folder of the session's own, or a writable one elsewhere. */
    readonly workspace: Step<{ readonly console: ConsoleReady }, WorkspaceReady>
    /** The repository in that folder, by a job of the machine's that goes on while nobody looks. */
    readonly repository: Step<{ readonly console: ConsoleReady; readonly workspace: WorkspaceReady }, RepositoryReady>
    /** OpenCode runs in that folder. */
    readonly openCode: Step<{ readonly console: ConsoleReady; readonly workspace: WorkspaceReady }, OpenCodeReady>
    /** OpenCode answers over the network. It looks from here, not from the machine. */
    readonly health: Step<
      { readonly machine: MachineReady; readonly console: ConsoleReady; readonly openCode: OpenCodeReady },
      Healthy
    >
    /** Ends what of the session's runs on the machine: the clone, and OpenCode. Its files stay. */
    readonly stop: Step<{ readonly console: ConsoleReady }, void>
  }
>()("@toehold/bootstrap-service/SessionSteps") {}

/**
 * The steps on a machine: its processes, and the HTTP client of the host.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function* (
  options: Options = {}
): Effect.fn.Return<
  SessionSteps["Service"],
  never,
  ChildProcessSpawner.ChildProcessSpawner | HttpClient.HttpClient | MachineStatus
> {
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const client = yield* HttpClient.HttpClient
  const status = yield* MachineStatus
  const jobs = yield* Jobs.make({ reconnectFor: options.reconnectFor ?? "1 minute" })
  const steps = {
    machine: machine(status, options.machineTimeout ?? "15 seconds"),
    console: console(spawner),
    network: network(spawner, options.network ?? {}),
    workspace: workspace(spawner),
    repository: repository(spawner, jobs, options.cloneTimeout ?? "30 minutes"),
    openCode: openCode(spawner, jobs),
    health: health(spawner, jobs, client, options.healthRequestTimeout ?? "2 seconds"),
    stop: stop(spawner, jobs)
  }
  return SessionSteps.of({
    machine: (config, _, report = silent) => steps.machine(config, report),
    console: (_, __, report = silent) => steps.console(report),
    network: (_, given, report = silent) => steps.network(given, report),
    workspace: (config, given, report = silent) => steps.workspace(config, given.console, report),
    repository: (config, given, report = silent) => steps.repository(config, given, report),
    openCode: (config, given, report = silent) => steps.openCode(config, given, report),
    health: (config, given, report = silent) => steps.health(config, given, report),
    stop: (config, given, report = silent) => steps.stop(config, given.console, report)
  })
})

const silent: Report = () => Effect.void

/**
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Options = {}
): Layer.Layer<SessionSteps, never, ChildProcessSpawner.ChildProcessSpawner | HttpClient.HttpClient | MachineStatus> =>
  Layer.effect(SessionSteps, make(options))
