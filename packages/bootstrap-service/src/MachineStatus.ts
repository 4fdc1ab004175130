/**
 * Whether a virtual machine runs and which address it has, from whoever runs the machines.
 *
 * @since 0.1.0
 */
import { Context, Effect, Layer } from "effect"
import type { BootstrapError } from "./BootstrapError.ts"

/**
 * An address and a port of it. Not checked yet: it comes from outside.
 *
 * @since 0.1.0
 * @category models
 */
export interface Endpoint {
  readonly ip: string
  readonly port: number
}

/**
 * What is known of a machine at one moment.
 *
 * @since 0.1.0
 * @category models
 */
export interface MachineLook {
  readonly isRunning: boolean
  /** What its owner calls its state: `running`, `stopped`. */
  readonly state: string
  /** Not checked yet: it comes from outside. */
  readonly ip: string | undefined
  /** Where ports of the machine's are reached from here that are not reached at its own address. */
  readonly forwards?: Readonly<Record<number, Endpoint>> | undefined
}

/**
 * @since 0.1.0
 * @category services
 */
export class MachineStatus extends Context.Service<
  MachineStatus,
  {
    /** Looks at a machine; `undefined` for one that there isn't. */
    readonly look: (vmId: string) => Effect.Effect<MachineLook | undefined, BootstrapError>
  }
>()("@toehold/bootstrap-service/MachineStatus") {}

/**
 * Of a machine that was reached already: it runs, and its address is the one of the configuration, or this.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerRunning = (ip?: string): Layer.Layer<MachineStatus> =>
  Layer.succeed(MachineStatus, { look: () => Effect.succeed({ isRunning: true, state: "running", ip }) })
