import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["packages/*/test/**/*.test.ts", "apps/*/test/**/*.test.ts", "examples/**/*.test.ts", "test/**/*.test.ts"],
    // Real servers and oracles share two cores: a generous limit is for a loaded machine, not for a slow test.
    testTimeout: 30_000,
    hookTimeout: 60_000
  }
})
