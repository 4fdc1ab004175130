import type { Duration, Effect, Redacted } from "effect"
import type { ApiKey, SshKey, Template, User, Volume } from "../Account.ts"
import type { Instance } from "../Instance.ts"
import type { Offer, Query } from "../Offer.ts"
import type { VastError } from "../VastError.ts"

/**
 * What an instance is created from: an image or a template.
 *
 * @since 0.1.0
 * @category models
 */
export interface CreateOptions {
  readonly image?: string
  /** A template's `hash_id`. */
  readonly template?: string
  /** GB; 16 unless said otherwise. It can't be changed later. */
  readonly disk?: number
  /** Direct SSH with the proxy beside it, unless said otherwise. */
  readonly runtype?:
    | "ssh_direc ssh_proxy"
    | "ssh_proxy"
    | "jupyter_direc ssh_direc ssh_proxy"
    | "jupyter_proxy ssh_proxy"
    | "args"
  /** The container's environment; a name such as `-p 8000:8000` maps a port. */
  readonly env?: Readonly<Record<string, string | Redacted.Redacted>>
  /** A script that runs at each start. */
  readonly onstart?: string | Redacted.Redacted
  /** Options of `docker login` for a private image. */
  readonly imageLogin?: Redacted.Redacted
  readonly label?: string
  /** US dollars an hour, for a bid. */
  readonly price?: number
  /** Whether to wait for the GPU when it is taken, instead of failing. */
  readonly waitForGpu?: boolean
}

/**
 * A new instance.
 *
 * @since 0.1.0
 * @category models
 */
export interface Created {
  readonly instance: number
  /** The label that was set: the one asked for, and a mark of its own. */
  readonly label: string
  /** The instance's own key, which may stop and label that one instance. */
  readonly apiKey: Redacted.Redacted | undefined
  /** Whether the create got no clear answer, and the instance was found by its label. */
  readonly adopted: boolean
}

/**
 * @since 0.1.0
 * @category models
 */
export interface LogOptions {
  /** Lines from the end; 1000 unless said otherwise. */
  readonly tail?: number
  /** Only lines that match this pattern of grep(1). */
  readonly filter?: string
  /** The log of the machine's daemon instead of the container's. */
  readonly daemon?: boolean
  /** How long to wait for the log to appear; 30 seconds unless said otherwise. */
  readonly timeout?: Duration.Input
}

/**
 * A path inside of an instance.
 *
 * @since 0.1.0
 * @category models
 */
export interface CopyEnd {
  readonly instance: number
  readonly path: string
}

/**
 * Where rsync(1) is to send files to.
 *
 * @since 0.1.0
 * @category models
 */
export interface CopyAddress {
  readonly host: string
  readonly port: number
}

/**
 * What a new API key may do; everything unless said otherwise. Both are the service's own words for it, such as
 * `{ api: { instance_read: {}, instance_write: {} } }`.
 *
 * @since 0.1.0
 * @category models
 */
export interface ApiKeyOptions {
  readonly permissions?: Readonly<Record<string, unknown>>
  readonly keyParams?: Readonly<Record<string, unknown>>
}

/**
 * A new API key.
 *
 * @since 0.1.0
 * @category models
 */
export interface ApiKeyMade {
  readonly id: number
  readonly key: Redacted.Redacted
}

type Call<A> = Effect.Effect<A, VastError>

/**
 * The calls about instances. What is changed is asked for, not awaited: see `InstanceWait`.
 *
 * @since 0.1.0
 * @category services
 */
export interface InstanceCalls {
  /** All instances of the account, by id. */
  readonly list: Call<ReadonlyArray<Instance>>
  readonly show: (id: number) => Call<Instance>
  /**
   * The instance as it was at some time after it was asked for, by calls that are shared by all who ask at the same time:
   * one call for each of a few instances, the list for many.
   */
  readonly look: (id: number) => Call<Instance>
  /**
   * Rents an offer. It is sent once: after an answer that leaves open what happened, the instance is looked for by its
   * label, and adopted or reported as `CreateUnknown`.
   */
  readonly create: (offer: number, options: CreateOptions) => Call<Created>
  readonly start: (id: number) => Call<void>
  readonly stop: (id: number) => Call<void>
  /** Restarts the container, with its disk kept. Sent once. */
  readonly reboot: (id: number) => Call<void>
  /** Makes the container anew: its disk is lost and its host keys change. Sent once. */
  readonly recycle: (id: number) => Call<void>
  /** Ends the contract: its disk is lost. */
  readonly destroy: (id: number) => Call<"destroyed" | "already-gone">
  readonly label: (id: number, label: string) => Call<void>
  readonly logs: (id: number, options?: LogOptions) => Call<string>
  /** Runs `ls`, `rm` or `du` in the instance's file system, also while it is stopped: the service refuses all else. Sent once. */
  readonly execute: (id: number, command: string) => Call<string>
  /** Starts a copy between two instances, which goes on by itself. Sent once. */
  readonly copy: (from: CopyEnd, to: CopyEnd) => Call<void>
  /** Prepares a copy from this machine, and says where rsync(1) is to connect to. Sent once. */
  readonly copyAddress: (localPath: string, to: CopyEnd) => Call<CopyAddress>
}

/**
 * The calls about everything else of an account.
 *
 * @since 0.1.0
 * @category services
 */
export interface AccountCalls {
  readonly user: Call<User>
  /** Keys of the account. They may reach only instances that are made later: attach a key to be sure. */
  readonly sshKeys: {
    readonly list: Call<ReadonlyArray<SshKey>>
    readonly create: (publicKey: string) => Call<SshKey>
    readonly update: (id: number, publicKey: string) => Call<void>
    readonly remove: (id: number) => Call<void>
  }
  /** Keys of one instance. It takes up to two minutes until an attached key lets anyone in. */
  readonly instanceKeys: {
    readonly list: (instance: number) => Call<ReadonlyArray<SshKey>>
    readonly attach: (instance: number, publicKey: string) => Call<"attached" | "already-attached">
    readonly detach: (instance: number, key: number) => Call<void>
  }
  readonly offers: {
    readonly search: (query?: Query) => Call<ReadonlyArray<Offer>>
    readonly gpuNames: Call<ReadonlyArray<string>>
  }
  /** Environment variables that every new instance gets. The service shows their names, and hides their values. */
  readonly envVars: {
    readonly list: Call<Readonly<Record<string, Redacted.Redacted>>>
    readonly create: (name: string, value: Redacted.Redacted) => Call<void>
    readonly update: (name: string, value: Redacted.Redacted) => Call<void>
    readonly remove: (name: string) => Call<void>
  }
  readonly apiKeys: {
    readonly list: Call<ReadonlyArray<ApiKey>>
    /** A new key, which the service shows this once. Sent once. */
    readonly create: (name: string, options?: ApiKeyOptions) => Call<ApiKeyMade>
    readonly remove: (id: number) => Call<void>
  }
  /** Templates that match the service's own filters, such as `{ name: { eq: "Base" } }`. */
  readonly templates: (filters?: Readonly<Record<string, unknown>>) => Call<ReadonlyArray<Template>>
  readonly volumes: Call<ReadonlyArray<Volume>>
}
