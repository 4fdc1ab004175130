/**
 * The package for programs that use Effect.
 *
 * @since 0.1.0
 */
export * as CostGuard from "./CostGuard.ts"
export * as MachineFacts from "./MachineFacts.ts"
export * as MachineService from "./MachineService.ts"
export * as Provision from "./Provision.ts"
export * as ProvisionAccess from "./ProvisionAccess.ts"
export * as ProvisionError from "./ProvisionError.ts"
export * as ProvisionEvent from "./ProvisionEvent.ts"
export * as ProvisionLog from "./ProvisionLog.ts"
export * as Recipe from "./Recipe.ts"
export * as Tunnel from "./Tunnel.ts"
export * as TunnelLog from "./TunnelLog.ts"
