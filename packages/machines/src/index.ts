export * as Fleet from "./Fleet.ts"
export * as Machine from "./Machine.ts"
