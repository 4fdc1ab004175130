import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["packages/*/test/**/*.test.ts", "apps/*/test/**/*.test.ts", "examples/**/*.test.ts", "test/**/*.test.ts"],
    // In the C locale, which an empty environment means, OpenSSH's programs print what isn't ASCII as escapes.
    env: { LC_ALL: "C.UTF-8" },
    // Real servers and oracles share two cores: a generous limit is for a loaded machine, not for a slow test.
    testTimeout: 30_000,
    hookTimeout: 60_000
  }
})
