export * as SerialError from "./SerialError.ts"
export * as SerialPort from "./SerialPort.ts"
export * as SerialTarget from "./SerialTarget.ts"
