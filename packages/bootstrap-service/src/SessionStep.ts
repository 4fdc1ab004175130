/**
 * The steps from a machine that exists to an agent that answers, in their order.
 *
 * @since 0.1.0
 */
import { type Effect, Schema } from "effect"

/**
 * @since 0.1.0
 * @category models
 */
export const SessionStep = Schema.Literals([
  "machine",
  "console",
  "network",
  "workspace",
  "repository",
  "openCode",
  "health"
])

/**
 * @since 0.1.0
 * @category models
 */
export type SessionStep = typeof SessionStep.Type

/**
 * @since 0.1.0
 * @category constants
 */
export const inOrder: ReadonlyArray<SessionStep> = SessionStep.literals

/**
 * The machine runs and has this address.
 *
 * @since 0.1.0
 * @category models
 */
export const MachineReady = Schema.Struct({
  ip: Schema.String,
  /** Where OpenCode's port is reached from here, where that is not the machine's own address. */
  agent: Schema.optionalKey(Schema.Struct({ ip: Schema.String, port: Schema.Int }))
})

/**
 * @since 0.1.0
 * @category models
 */
export type MachineReady = typeof MachineReady.Type

/**
 * Who the machine lets in, and who the session's programs run as: `agent` where the console is root's and there is such
 * an account.
 *
 * @since 0.1.0
 * @category models
 */
export const ConsoleReady = Schema.Struct({
  user: Schema.String,
  uid: Schema.Int,
  /** The account that the session's programs run as, and its home folder. */
  runAs: Schema.String,
  home: Schema.String,
  /** Differs with each start of the machine, or of the container that it is; where its kernel says so. */
  bootId: Schema.optionalKey(Schema.String)
})

/**
 * @since 0.1.0
 * @category models
 */
export type ConsoleReady = typeof ConsoleReady.Type

/**
 * What the machine's network is now.
 *
 * @since 0.1.0
 * @category models
 */
export const NetworkReady = Schema.Union([
  /** The way in is a network, which is left as it is. */
  Schema.TaggedStruct("Skipped", {}),
  Schema.TaggedStruct("Configured", {
    interface: Schema.String,
    /** Such as `10.0.100.20/24`. */
    address: Schema.String,
    gateway: Schema.String,
    /** Whether the gateway was seen to answer; a machine without ping can't tell. */
    gatewayAnswers: Schema.Boolean,
    /** Who looks names up. */
    dns: Schema.Literals(["systemd-resolved", "resolv.conf"]),
    /** Whether anything had to be changed. */
    changed: Schema.Boolean
  })
])

/**
 * @since 0.1.0
 * @category models
 */
export type NetworkReady = typeof NetworkReady.Type

/**
 * The session's own folder.
 *
 * @since 0.1.0
 * @category models
 */
export const WorkspaceReady = Schema.Struct({
  path: Schema.String,
  /** Whether it is elsewhere than asked for, since nothing can be written there. */
  isFallback: Schema.Boolean
})

/**
 * @since 0.1.0
 * @category models
 */
export type WorkspaceReady = typeof WorkspaceReady.Type

/**
 * What is checked out.
 *
 * @since 0.1.0
 * @category models
 */
export const RepositoryReady = Schema.Struct({
  commit: Schema.String,
  /** The local branch; absent for a tag or a commit. */
  branch: Schema.optionalKey(Schema.String)
})

/**
 * @since 0.1.0
 * @category models
 */
export type RepositoryReady = typeof RepositoryReady.Type

/**
 * How OpenCode runs, and where its output goes.
 *
 * @since 0.1.0
 * @category models
 */
export const OpenCodeReady = Schema.Struct({
  /** `systemd`: the user unit `opencode@<id>`; `job`: a process of its own that outlives the connection. */
  by: Schema.Literals(["systemd", "job"]),
  /** Name of the unit or id of the job. */
  name: Schema.String,
  /** Whether it was running already. */
  wasRunning: Schema.Boolean
})

/**
 * @since 0.1.0
 * @category models
 */
export type OpenCodeReady = typeof OpenCodeReady.Type

/**
 * OpenCode answers at this URL.
 *
 * @since 0.1.0
 * @category models
 */
export const Healthy = Schema.Struct({
  url: Schema.String,
  version: Schema.optionalKey(Schema.String)
})

/**
 * @since 0.1.0
 * @category models
 */
export type Healthy = typeof Healthy.Type

/**
 * Takes a line that says what a step is doing, for a person to read. It never holds a secret.
 *
 * @since 0.1.0
 * @category models
 */
export type Report = (message: string) => Effect.Effect<void>
