/**
 * The package for programs that use Effect.
 *
 * @since 0.1.0
 */
export * as BootstrapError from "./BootstrapError.ts"
export * as ImageCheck from "./ImageCheck.ts"
export * as MachineNetwork from "./MachineNetwork.ts"
export * as MachineStatus from "./MachineStatus.ts"
export * as SessionConfig from "./SessionConfig.ts"
export * as SessionStep from "./SessionStep.ts"
export * as SessionSteps from "./SessionSteps.ts"
