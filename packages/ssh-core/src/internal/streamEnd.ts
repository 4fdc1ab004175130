/** The ends of a stream that goes through a machine. */
import type { Effect, Scope } from "effect"
import type { Duplex } from "node:stream"
import type { SshError } from "../SshError.ts"
import { address } from "./reason/outcome.ts"

/** A port, or a Unix socket (PROTOCOL of OpenSSH, section 2.4). */
export type Address = { readonly host: string; readonly port: number } | { readonly path: string }

/** A connection to what the machine listens on. */
export interface Incoming {
  /** Who connected, as the server says; empty for a Unix socket. */
  readonly origin: string
  /** Takes the connection, which is told that it failed if nobody does. */
  readonly accept: Effect.Effect<Duplex, SshError, Scope.Scope>
}

export const format = (at: Address): string => ("path" in at ? at.path : address(at.host, at.port))
