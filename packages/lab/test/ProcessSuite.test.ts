import { NodeServices } from "@effect/platform-node"
import * as ProcessSuite from "@toehold/lab/ProcessSuite"

ProcessSuite.suite("local processes", NodeServices.layer)
