export * as CapturedOutput from "./CapturedOutput.ts"
export * as ClientPlatform from "./ClientPlatform.ts"
export * as SshError from "./SshError.ts"
