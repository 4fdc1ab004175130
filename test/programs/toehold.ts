/** The program from its sources, for tests that end it in ways that only a process of its own can be ended. */
import { main } from "../../apps/cli/src/main.ts"

process.exitCode = await main(process.argv.slice(2), "0.0.0")
