export * as ProcessGroup from "./ProcessGroup.ts"
