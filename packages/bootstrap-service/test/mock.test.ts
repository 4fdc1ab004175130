import { expect, it } from "vitest"
import type { BootstrapService } from "../src/index.ts"
import { createMockBootstrapService } from "../src/internal/mockBootstrapService.ts"

it("stands in for the service in a consumer's tests", async () => {
  const mock = createMockBootstrapService()
  const service: BootstrapService = mock
  const config = { sessionId: "a", repoUrl: "https://example.org/r.git", vmId: "vm-1" }
  expect(await service.bootstrap(config)).toEqual({ success: true, workspacePath: "/home/agent/workspaces/a" })
  expect(await service.pollHealthEndpoint("10.0.100.2")).toBe(true)
  expect(mock.calls).toEqual([
    { method: "bootstrap", config },
    { method: "pollHealthEndpoint", vmIp: "10.0.100.2", port: undefined, timeoutMs: undefined, intervalMs: undefined }
  ])
  mock.clearCalls()
  mock.setBootstrapResult({ success: false, errorMessage: "no" })
  mock.setHealthReady(false)
  expect(await service.bootstrap(config)).toEqual({ success: false, errorMessage: "no" })
  expect(await service.pollHealthEndpoint("10.0.100.2", 1, 2, 3)).toBe(false)
  expect(mock.calls).toHaveLength(2)
})
