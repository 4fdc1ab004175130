import * as ProcessSuite from "@toehold/lab/ProcessSuite"
import * as RealPart from "@toehold/lab/RealPart"
import { vi } from "@effect/vitest"
import * as Machines from "./support/machines.ts"

vi.setConfig({ testTimeout: Machines.guestLimit, hookTimeout: Machines.guestLimit })

RealPart.describeWith(RealPart.guestParts, "SerialProcess", () => {
  ProcessSuite.suite("on a guest's console, busybox", Machines.guest({ system: "busybox" }), Machines.guestCapabilities)
})
