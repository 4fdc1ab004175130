/**
 * The package for programs that use Effect.
 *
 * @since 0.1.0
 */
export * as BootstrapError from "./BootstrapError.ts"
export * as Database from "./Database.ts"
export * as ImageCheck from "./ImageCheck.ts"
export * as MachineNetwork from "./MachineNetwork.ts"
export * as MachineStatus from "./MachineStatus.ts"
export * as MemoryStore from "./MemoryStore.ts"
export * as Session from "./Session.ts"
export * as SessionConfig from "./SessionConfig.ts"
export * as SessionEngine from "./SessionEngine.ts"
export * as SessionMachines from "./SessionMachines.ts"
export * as SessionStep from "./SessionStep.ts"
export * as SessionSteps from "./SessionSteps.ts"
export * as SessionStore from "./SessionStore.ts"
export * as Sessions from "./Sessions.ts"
export * as SqlStore from "./SqlStore.ts"
export * as StepPolicy from "./StepPolicy.ts"
