#!/usr/bin/env node
/** The program: the worker's command line over the services of this process. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Exit, Fiber, Layer } from "effect"
import { FetchHttpClient } from "effect/http"
import * as ServiceMemory from "@toehold/session-api/ServiceMemory"
import * as WorkerCli from "@toehold/session-api/WorkerCli"
import * as ClientPlatform from "@toehold/ssh-core/ClientPlatform"
import * as Http from "node:http"

/** Put in by the build. */
declare const programVersion: string | undefined

const services = Layer.mergeAll(NodeServices.layer, ClientPlatform.layer, FetchHttpClient.layer)

/** A caller that sends slowly holds a connection no longer than this, in milliseconds; answers may take their time. */
const limits = { headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 10_000 }

const listen = ({ host, port }: { readonly host: string; readonly port: number }) =>
  NodeHttpServer.layer(() => Http.createServer(limits), { host, port, gracefulShutdownTimeout: "15 seconds" })

// What the worker writes is for its own account alone.
process.umask(0o077)
ServiceMemory.keepLow()
const fiber = Effect.runFork(
  WorkerCli.run(process.argv.slice(2), {
    version: typeof programVersion === "string" ? programVersion : "0.0.0",
    listen,
    writeLog: (line) => void process.stderr.write(`${line}\n`)
  }).pipe(Effect.provide(services))
)
let isInterrupted = false
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    // The second one ends it at once; what it ran goes on in the next worker all the same.
    if (isInterrupted) process.exit(130)
    isInterrupted = true
    fiber.interruptUnsafe()
  })
}
const exit = await Effect.runPromise(Fiber.await(fiber))
await new Promise((done) => process.stderr.write("", done))
if (Exit.isSuccess(exit)) process.exit(exit.value)
if (isInterrupted) process.exit(0)
process.stderr.write(`api-worker: an error in the program itself, please report it:\n${String(exit.cause)}\n`)
process.exit(1)
