import { describeWith } from "@toehold/lab/RealPart"
import * as Machine from "./support/machine.ts"
import { suite } from "./support/suite.ts"

describeWith(["dash"], "Jobs with dash", () => suite(Machine.layer({ shell: "dash" })))
