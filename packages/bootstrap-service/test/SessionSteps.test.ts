import { describeWith } from "@toehold/lab/RealPart"
import { layerLocal } from "./support/place.ts"
import { suite } from "./support/suite.ts"

describeWith(["busybox", "git"], "The steps of a session on this machine", () => suite(layerLocal()))
