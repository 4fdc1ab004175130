/** Starts a command on a server of the lab and waits for its end: `MARK=… node waitingClient.ts SERVER SPARES`. */
import { Effect } from "effect"
import type { SshServer } from "@toehold/lab/SshServer"
import * as SshCommand from "@toehold/ssh-core/SshCommand"
import { connect, services } from "./machine.ts"

const [server = "", spares = "0"] = process.argv.slice(2)
const mark = process.env["MARK"] ?? ""

Effect.gen(function* () {
  const options = { spareSessions: Number(spares) }
  const ssh = yield* connect(JSON.parse(server) as SshServer, options) // what the test gave
  yield* ssh.exec(SshCommand.argv(["true"]))
  if (options.spareSessions > 0) yield* Effect.sleep("300 millis")
  yield* ssh.exec(SshCommand.shell(`sh -c 'sleep 600; :' ${mark} & sh -c 'sleep 600; :' ${mark}`))
}).pipe(Effect.scoped, Effect.provide(services), Effect.runPromise)
