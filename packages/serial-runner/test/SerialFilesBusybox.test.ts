import * as FileSuite from "@toehold/lab/FileSuite"
import * as RealPart from "@toehold/lab/RealPart"
import { vi } from "@effect/vitest"
import * as Machines from "./support/machines.ts"

vi.setConfig({ testTimeout: Machines.guestLimit, hookTimeout: Machines.guestLimit })

RealPart.describeWith(RealPart.guestParts, "SerialFiles", () => {
  FileSuite.suite(
    "on a guest's console, busybox",
    Machines.guest({ system: "busybox" }),
    Machines.guestFileCapabilities
  )
})
