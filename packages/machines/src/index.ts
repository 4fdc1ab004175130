export * as Machine from "./Machine.ts"
export * as MachinePath from "./MachinePath.ts"
