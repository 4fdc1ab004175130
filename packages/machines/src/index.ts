export * as Fleet from "./Fleet.ts"
export * as Machine from "./Machine.ts"
export * as MachinePath from "./MachinePath.ts"
