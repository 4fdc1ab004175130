import { describeWith } from "@toehold/lab/RealPart"
import * as Machine from "./support/machine.ts"
import { suite } from "./support/suite.ts"

describeWith(["bash"], "Jobs with bash", () => suite(Machine.layer({ shell: "bash" })))
