import { availableParallelism } from "node:os"
import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["packages/*/test/**/*.test.ts", "apps/*/test/**/*.test.ts", "examples/**/*.test.ts", "test/**/*.test.ts"],
    // In the C locale, which an empty environment means, OpenSSH's programs print what isn't ASCII as escapes.
    // The image that testcontainers would clean up with comes from a registry, which may not answer; the lab does it.
    env: { LC_ALL: "C.UTF-8", TESTCONTAINERS_RYUK_DISABLED: "true" },
    // Real servers and oracles share two cores: a generous limit is for a loaded machine, not for a slow test.
    testTimeout: 30_000,
    // They wait for servers, guests and networks more than they compute.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    hookTimeout: 60_000
  }
})
