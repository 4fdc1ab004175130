import { describeWith } from "@toehold/lab/RealPart"
import * as Machine from "./support/machine.ts"
import { suite } from "./support/suite.ts"

describeWith(["busybox"], "Jobs with BusyBox alone", () =>
  suite(Machine.layer({ shell: "ash", busyboxOnly: true }), { ignoresInterrupt: true })
)
