/**
 * Where a session is. `archived` is final.
 *
 * @since 0.1.0
 * @category models
 */
export type SessionStatus = "creating" | "ready" | "error" | "archived"

/**
 * The columns of a session's row that are read and written; there may be others.
 *
 * @since 0.1.0
 * @category models
 */
export interface SessionRow {
  readonly status: SessionStatus
  /** While the session is `creating` and there is no column for the step, what it is doing. */
  readonly errorMessage?: string | null | undefined
  readonly workspacePath?: string | null | undefined
  readonly vmId?: string | null | undefined
}

/**
 * What is written. `updatedAt` is in every patch, `step` in those to a store that says it has a column for it.
 *
 * @since 0.1.0
 * @category models
 */
export interface SessionRowPatch {
  readonly status?: SessionStatus
  readonly errorMessage?: string | null
  readonly workspacePath?: string
  readonly vmId?: string
  readonly step?: string | null
  readonly updatedAt: Date
}

/**
 * The caller's own table of sessions.
 *
 * @since 0.1.0
 * @category models
 */
export interface SessionRows {
  readonly get: (id: string) => Promise<SessionRow | null | undefined>
  /**
   * Changes a row if its status is one of `ifStatus`, in one statement, and answers whether it did. A store that answers
   * nothing counts as one that did.
   */
  readonly update: (
    id: string,
    patch: SessionRowPatch,
    condition: { readonly ifStatus?: ReadonlyArray<SessionStatus> }
  ) => Promise<boolean | void>
  /** Whether there is a column `step` for what a session is doing. Default: `false`. */
  readonly hasStep?: boolean
}

/**
 * What is known of a machine. `status` is `running` for one that runs.
 *
 * @since 0.1.0
 * @category models
 */
export interface Vm {
  readonly status: string
  readonly ipAddress?: string | null | undefined
}

/**
 * What a session is made from.
 *
 * @since 0.1.0
 * @category models
 */
export interface BootstrapConfig {
  /** 1 to 56 letters, digits, `_` and `-`. */
  readonly sessionId: string
  readonly repoUrl: string
  /** A branch, a tag or a commit. Default: the repository's own. */
  readonly branch?: string | undefined
  readonly vmId: string
  /** Where `getVm` knows no address yet. */
  readonly vmIp?: string | undefined
  /** Default: `/home/agent/workspaces`. */
  readonly workspaceBasePath?: string | undefined
  /** Default: 4096. */
  readonly opencodePort?: number | undefined
  /** Default: 1000. */
  readonly healthPollIntervalMs?: number | undefined
  /** Default: 120 000. */
  readonly healthPollTimeoutMs?: number | undefined
  /** Passed to `openConsole` as it is. */
  readonly pipeDir?: string | undefined
  /** Fetch the one commit alone. Default: `false`. */
  readonly shallow?: boolean | undefined
  /** A token that may read the repository, and its user where it isn't `x-access-token`. */
  readonly credentials?: { readonly username?: string | undefined; readonly token: string } | undefined
  /** Private key for an ssh URL, without a passphrase. */
  readonly sshKey?: string | undefined
  /** Lines of known_hosts: the only host keys that the server of an ssh URL may show. */
  readonly knownHosts?: string | undefined
  /** What OpenCode is to ask for. */
  readonly openCodePassword?: string | undefined
}

/**
 * How a bootstrap ended. `errorMessage` says in one line what happened, and then what to do about it.
 *
 * @since 0.1.0
 * @category models
 */
export interface BootstrapResult {
  readonly success: boolean
  readonly workspacePath?: string
  readonly errorMessage?: string
}

/**
 * Something that a session does, for whoever shows it.
 *
 * @since 0.1.0
 * @category models
 */
export interface StepEvent {
  readonly sessionId: string
  /** `machine`, `console`, `network`, `workspace`, `repository`, `openCode` or `health`. */
  readonly step: string | null
  readonly message: string
  readonly at: Date
}

/**
 * Time, for tests that have one of their own.
 *
 * @since 0.1.0
 * @category models
 */
export interface BootstrapClock {
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Resolves after that many milliseconds, or when the signal aborts. */
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>
}

/**
 * A console that was opened: a `MachineHandle` of `@toehold/shell`, as `openConsole` of `@toehold/serial-runner/bonfire`
 * gives it.
 *
 * @since 0.1.0
 * @category models
 */
export interface OpenedConsole {
  readonly "~@toehold/shell/MachineHandle": unknown
  readonly close: () => Promise<void>
}

/**
 * What the service is made of.
 *
 * @since 0.1.0
 * @category models
 */
export interface BootstrapServiceOptions {
  readonly store: SessionRows
  /** Looks a machine up; nothing for one that there isn't. */
  readonly getVm: (vmId: string) => Promise<Vm | null | undefined>
  /** Opens a machine's console, such as `openConsole` of `@toehold/serial-runner/bonfire`. It is closed by the service. */
  readonly openConsole: (console: {
    readonly vmId: string
    readonly pipeDir?: string
    readonly signal: AbortSignal
  }) => Promise<OpenedConsole>
  /** Default: the global one. */
  readonly fetch?: typeof globalThis.fetch
  /** Default: the system's. */
  readonly clock?: BootstrapClock
  /** Called with what each session does. What it throws is ignored. */
  readonly onStep?: (event: StepEvent) => void
  /** The machines' network. Default: `10.0.100.0/24` with its gateway at `10.0.100.1`; `skip` leaves it as it is. */
  readonly network?: NetworkOptions | "skip"
}

/**
 * The network that machines are in when they have nothing but a console.
 *
 * @since 0.1.0
 * @category models
 */
export interface NetworkOptions {
  readonly subnet?: string
  readonly gateway?: string
  /** Name servers for a machine that has none. */
  readonly dns?: ReadonlyArray<string>
}

/**
 * Makes agent sessions on machines that have nothing but a console.
 *
 * @since 0.1.0
 * @category models
 */
export interface BootstrapService {
  /**
   * Brings a session to `ready`, step by step; what an earlier call did is not done again. It never rejects. An abort, or
   * a row that is no longer `creating`, stops it.
   */
  readonly bootstrap: (config: BootstrapConfig, options?: { readonly signal?: AbortSignal }) => Promise<BootstrapResult>
  /** Whether OpenCode answers at an address before the time is over. It never rejects. */
  readonly pollHealthEndpoint: (
    vmIp: string,
    port?: number,
    timeoutMs?: number,
    intervalMs?: number
  ) => Promise<boolean>
}
