export * as CapturedOutput from "./CapturedOutput.ts"
export * as OutputCapture from "./OutputCapture.ts"
export * as ProcessGroup from "./ProcessGroup.ts"
