/** 20 commands on each of 50 hosts: a pool against `xargs -P 50 ssh`, which logs in anew for each. */
import { Effect, FileSystem } from "effect"
import * as OpenSshServer from "@toehold/lab/OpenSshServer"
import type { SshServer } from "@toehold/lab/SshServer"
import { program } from "./peers.ts"
import { ratioOf, report } from "./report.ts"
import { median, timed } from "./rounds.ts"

const hosts = 50
const commands = 20
const count = 1

const names = Array.from({ length: hosts }, (_, index) => `h${index}`)

/** A configuration in which every name leads to the server, each with a host key and so a connection of its own. */
const configFor = (server: SshServer): string =>
  [
    ...names.map((name) => `Host ${name}\n  HostKeyAlias ${name}`),
    "Host *",
    `  HostName ${server.host}`,
    `  Port ${server.port}`,
    `  User ${server.user}`,
    `  IdentityFile ${server.privateKeyPath}`,
    "  IdentitiesOnly yes",
    "  BatchMode yes",
    "  StrictHostKeyChecking yes",
    `  UserKnownHostsFile ${server.tempDir}/fleet_hosts`,
    "  GlobalKnownHostsFile /dev/null",
    ""
  ].join("\n")

const write = Effect.fnUntraced(function* (server: SshServer) {
  const fs = yield* FileSystem.FileSystem
  const keys = names.flatMap((name) => server.hostKeys.map((key) => `${name} ${key.publicKey}`))
  yield* Effect.orDie(fs.writeFileString(`${server.tempDir}/fleet_hosts`, `${keys.join("\n")}\n`))
  const path = `${server.tempDir}/fleet_config`
  yield* Effect.orDie(fs.writeFileString(path, configFor(server)))
  return path
})

export const pool = Effect.fnUntraced(function* (generous: SshServer) {
  // The pool meets a server with OpenSSH's own limits; to xargs nothing is refused, or it would end early with failures.
  const strict = yield* OpenSshServer.make({ account: { loginShell: "bash" }, config: ["MaxStartups 10:30:100"] })
  const [ours, theirs] = [yield* write(strict), yield* write(generous)]
  const child = new URL("poolChild.ts", import.meta.url).pathname
  const words = names.flatMap((name) => Array.from({ length: commands }, () => name)).join(" ")
  const xargs = program("/bin/sh", [
    "-c",
    `printf '%s\\n' ${words} | xargs -P ${hosts} -I{} ssh -F ${theirs} {} echo >/dev/null`
  ])
  const figures: Record<string, Array<number>> = { toehold: [], "xargs -P 50 ssh": [] }
  const memory: Array<number> = []
  let failed = 0
  for (let round = 0; round < count; round++) {
    const said: Array<string> = []
    const run = program(process.execPath, ["--expose-gc", child, ours, String(hosts), String(commands)])
    figures["toehold"]?.push(yield* timed(Effect.tap(run, (text) => Effect.sync(() => said.push(text)))))
    // Written by the program above.
    const result = JSON.parse(said.join("")) as { readonly failed: number; readonly megabytesEach: number }
    failed += result.failed
    memory.push(result.megabytesEach)
    figures["xargs -P 50 ssh"]?.push(yield* timed(xargs))
  }
  const fast = yield* report("pool", figures, [
    { what: "toehold / xargs -P 50 ssh", ratio: ratioOf(figures, "toehold", "xargs -P 50 ssh"), atMost: 1 / 3 },
    { what: "failed commands", ratio: failed, atMost: 0 }
  ])
  const small = yield* report(
    "pool-memory",
    { "each connection": memory },
    [{ what: "MB for each connection", ratio: median(memory), atMost: 2 }],
    "MB"
  )
  return fast && small
})
