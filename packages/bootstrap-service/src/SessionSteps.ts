/**
 * What each step of an agent session does on its machine. Every step may be taken again at any time, also while an
 * earlier attempt still goes on there: it finds what is done, and does nothing twice.
 *
 * @since 0.1.0
 */
import { Context, type Duration, Effect, Layer } from "effect"
import type { HttpClient } from "effect/http"
import type { ChildProcessSpawner } from "effect/process"
import type { BootstrapError } from "./BootstrapError.ts"
import type { MachineStatus } from "./MachineStatus.ts"
import type { SessionConfig } from "./SessionConfig.ts"
import type {
  ConsoleReady,
  Healthy,
  MachineReady,
  NetworkReady,
  OpenCodeReady,
  RepositoryReady,
  WorkspaceReady
} from "./SessionStep.ts"

/**
 * Takes a line that says what a step is doing, for a person to read. It never holds a secret.
 *
 * @since 0.1.0
 * @category models
 */
export type Report = (message: string) => Effect.Effect<void>

/**
 * The network that machines are in when they have nothing but a console.
 *
 * @since 0.1.0
 * @category models
 */
export interface NetworkOptions {
  /** Default: `10.0.100.0/24`. */
  readonly subnet?: string | undefined
  /** Default: `10.0.100.1`. */
  readonly gateway?: string | undefined
  /** Name servers, where the machine has none. Default: `1.1.1.1` and `8.8.8.8`. */
  readonly dns?: ReadonlyArray<string> | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** `skip` where the way in is a network already (SSH, the local machine). Default: `{}`, set up. */
  readonly network?: NetworkOptions | "skip" | undefined
  /** How long a machine may take to run and have an address. Default: 15 seconds. */
  readonly machineTimeout?: Duration.Input | undefined
  /** How long the machine itself lets a clone go on. Default: 30 minutes. */
  readonly cloneTimeout?: Duration.Input | undefined
  /** How long one look at OpenCode's health may take. Default: 2 seconds. */
  readonly healthRequestTimeout?: Duration.Input | undefined
  /** How long a machine may be out of reach before a step fails. Default: one minute. */
  readonly reconnectFor?: Duration.Input | undefined
}

type Step<Given, Done> = (
  config: SessionConfig,
  given: Given,
  report?: Report
) => Effect.Effect<Done, BootstrapError>

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
    readonly repository: Step<
      { readonly console: ConsoleReady; readonly workspace: WorkspaceReady },
      RepositoryReady
    >
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
export const make: (
  options?: Options
) => Effect.Effect<
  SessionSteps["Service"],
  never,
  ChildProcessSpawner.ChildProcessSpawner | HttpClient.HttpClient | MachineStatus
> = () => Effect.die("the steps are not there yet")

/**
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Options = {}
): Layer.Layer<
  SessionSteps,
  never,
  ChildProcessSpawner.ChildProcessSpawner | HttpClient.HttpClient | MachineStatus
> => Layer.effect(SessionSteps, make(options))
