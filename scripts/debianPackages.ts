/**
 * Prints the Debian packages that bring every real part the tests use, one a line.
 */
import * as RealPart from "@toehold/lab/RealPart"

const packages = new Set(Object.values(RealPart.parts).map((part) => part.debianPackage))
process.stdout.write(`${[...packages].sort().join("\n")}\n`)
