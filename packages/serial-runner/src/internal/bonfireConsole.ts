/**
 * Consoles for programs without Effect: the `./bonfire` subpath.
 *
 * @since 0.1.0
 */
import { NodeServices } from "@effect/platform-node"
import { Effect } from "effect"
import * as MachineHandle from "@toehold/shell/MachineHandle"
import * as SerialConsole from "../SerialConsole.ts"
import * as SerialHub from "../SerialHub.ts"
import * as SerialProcess from "../SerialProcess.ts"
import * as SerialShell from "../SerialShell.ts"
import * as SerialTarget from "../SerialTarget.ts"

/**
 * Which console to open.
 *
 * @since 0.1.0
 * @category models
 */
export interface ConsoleOptions {
  readonly vmId: string
  /** The folder of the FIFOs `VMID.stdin` and `VMID.stdout`. Default: `/var/lib/bonfire/vms`. */
  readonly pipeDir?: string | undefined
  readonly signal?: AbortSignal | undefined
}

const defaultPipeDir = "/var/lib/bonfire/vms"

/**
 * Opens the console of a virtual machine for `createBootstrapService` of `@toehold/bootstrap-service`, once its shell
 * answers. Rejects with a `SerialError`: `PortMissing`, `PortBusy`, `LoginPrompt`, `NoShell`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const openConsole = ({
  pipeDir = defaultPipeDir,
  signal,
  vmId
}: ConsoleOptions): Promise<MachineHandle.MachineHandle> =>
  MachineHandle.open(
    Effect.gen(function* () {
      const target = yield* Effect.fromResult(SerialTarget.parse(`serial:bonfire:${pipeDir}/${vmId}`))
      const hub = yield* SerialHub.make()
      const console = yield* hub.console(target)
      const shell = yield* Effect.provideService(SerialShell.make(), SerialConsole.SerialConsole, console)
      // A login prompt is told now, not as the failure of the first step.
      yield* shell.identity
      return yield* Effect.provideService(SerialProcess.make, SerialShell.SerialShell, shell)
    }).pipe(Effect.provide(NodeServices.layer)),
    { signal }
  )
