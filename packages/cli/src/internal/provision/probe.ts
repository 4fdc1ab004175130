/** What a port answers, from here. */
import { Effect } from "effect"
import type { PortReport } from "@toehold/bootstrap-service/ProvisionAccess"
import * as Net from "node:net"

const connectMs = 5000
/** RFC 4253, section 4.2: lines may come before it, and a server of ours has none. */
const maxGreeting = 4096

const unreachable = new Set(["EHOSTUNREACH", "ENETUNREACH", "EHOSTDOWN", "ENOTFOUND", "EAI_AGAIN", "EADDRNOTAVAIL"])

/** Connects, waits for the greeting of an SSH server, and hangs up. */
export const probePort = (address: { readonly host: string; readonly port: number }): Effect.Effect<PortReport> =>
  Effect.callback<PortReport>((resume) => {
    let greeting = ""
    let isConnected = false
    const socket = Net.connect({ host: address.host, port: address.port, autoSelectFamily: true })
    const end = (state: PortReport["state"], detail: string): void => {
      resume(Effect.succeed({ state, detail }))
      socket.destroy()
    }
    socket.setTimeout(connectMs, () =>
      isConnected ? end("closed", "it says nothing") : end("filtered", `no answer within ${connectMs / 1000} s`)
    )
    socket.once("connect", () => {
      isConnected = true
    })
    socket.on("data", (chunk) => {
      greeting += chunk.toString("latin1")
      if (/^SSH-/m.test(greeting)) end("open", "")
      else if (greeting.length > maxGreeting) end("closed", "it is no SSH server")
    })
    socket.once("close", () => end("closed", "it hangs up without a greeting"))
    socket.on("error", (error: NodeJS.ErrnoException) => {
      const code = error.code ?? error.message
      if (code === "ECONNREFUSED") end("refused", "")
      else if (code === "ETIMEDOUT") end("filtered", "")
      else if (unreachable.has(code)) end("unreachable", code)
      else end("closed", code)
    })
    return Effect.sync(() => socket.destroy())
  })
