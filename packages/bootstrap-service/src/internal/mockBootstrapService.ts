/**
 * A bootstrap service for the tests of programs that use one: the `./testing` subpath.
 *
 * @since 0.1.0
 */
import type { BootstrapConfig, BootstrapResult, BootstrapService } from "./bonfireModel.ts"

/**
 * A call that was made of the mock.
 *
 * @since 0.1.0
 * @category models
 */
export type MockCall =
  | { readonly method: "bootstrap"; readonly config: BootstrapConfig }
  | {
      readonly method: "pollHealthEndpoint"
      readonly vmIp: string
      readonly port: number | undefined
      readonly timeoutMs: number | undefined
      readonly intervalMs: number | undefined
    }

/**
 * A bootstrap service that does nothing but what it is told.
 *
 * @since 0.1.0
 * @category models
 */
export interface MockBootstrapService extends BootstrapService {
  /** Every call so far, oldest first. */
  readonly calls: ReadonlyArray<MockCall>
  readonly clearCalls: () => void
  /** What `bootstrap` answers from now on. Default: success, in the folder that the session would have. */
  readonly setBootstrapResult: (result: BootstrapResult) => void
  /** What `pollHealthEndpoint` answers from now on. Default: `true`. */
  readonly setHealthReady: (isReady: boolean) => void
}

/**
 * @since 0.1.0
 * @category constructors
 */
export const createMockBootstrapService = (): MockBootstrapService => {
  const calls: Array<MockCall> = []
  let result: BootstrapResult | undefined
  let isReady = true
  return {
    calls,
    clearCalls: () => void calls.splice(0),
    setBootstrapResult: (next) => void (result = next),
    setHealthReady: (next) => void (isReady = next),
    bootstrap: async (config) => {
      calls.push({ method: "bootstrap", config })
      const { sessionId, workspaceBasePath = "/home/agent/workspaces" } = config
      return result ?? { success: true, workspacePath: `${workspaceBasePath}/${sessionId}` }
    },
    pollHealthEndpoint: async (vmIp, port, timeoutMs, intervalMs) => {
      calls.push({ method: "pollHealthEndpoint", vmIp, port, timeoutMs, intervalMs })
      return isReady
    }
  }
}
