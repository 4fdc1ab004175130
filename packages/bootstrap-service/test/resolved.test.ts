import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import * as RealPart from "@toehold/lab/RealPart"
import { SessionSteps } from "../src/SessionSteps.ts"
import { Place } from "./support/place.ts"
import * as Serial from "./support/serial.ts"

const limit = 480_000

const config = { sessionId: "s1", repoUrl: "file:///none", vmId: "vm-1" }

RealPart.describeWith(RealPart.guestParts, "The name servers of a machine with systemd-resolved", () => {
  it.layer(Serial.layer("job"), { excludeTestServices: true, timeout: limit })((it) => {
    it.effect(
      "are given to it, once, with the link that it shall ask them by",
      () =>
        Effect.gen(function* () {
          const { ip, sh } = yield* Place
          const steps = yield* SessionSteps
          const console = yield* steps.console(config, {})
          const network = steps.network(config, { machine: { ip }, console })
          // It starts before the bus knows what it may be called.
          const install = "dpkg --force-depends -i /opt/systemd-resolved_*.deb && systemctl reload dbus"
          yield* sh(`sudo -n sh -c '${install} && systemctl restart systemd-resolved' 2>&1`)
          const first = yield* network
          assert.deepInclude(first, { _tag: "Configured", dns: "systemd-resolved", changed: true, interface: "eth0" })
          const look = "resolvectl dns eth0; resolvectl domain eth0; readlink -f /etc/resolv.conf"
          const expected = [
            "Link 2 (eth0): 1.1.1.1 8.8.8.8",
            "Link 2 (eth0): ~.",
            "/run/systemd/resolve/stub-resolv.conf"
          ]
          assert.deepStrictEqual((yield* sh(look)).trim().split("\n"), expected)
          assert.deepInclude(yield* network, { dns: "systemd-resolved", changed: false })
          // Without the file that leads programs to it, it may know what it will.
          yield* sh("sudo -n rm /etc/resolv.conf")
          assert.deepInclude(yield* network, { dns: "systemd-resolved", changed: true })
          assert.deepStrictEqual((yield* sh(look)).trim().split("\n"), expected)
          // Where it has stopped, whoever asks for names is told of the servers in a file.
          yield* sh("sudo -n systemctl disable --now systemd-resolved 2>&1")
          assert.deepInclude(yield* network, { dns: "resolv.conf", changed: true })
          assert.include(yield* sh("cat /etc/resolv.conf"), "nameserver 1.1.1.1")
        }).pipe(Effect.scoped),
      limit
    )
  })
})
