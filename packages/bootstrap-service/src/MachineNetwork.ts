/**
 * The network that a machine is put into which has nothing but a console.
 *
 * @since 0.1.0
 */

/**
 * What is said of that network; everything has a default.
 *
 * @since 0.1.0
 * @category models
 */
export interface MachineNetwork {
  /** Default: `10.0.100.0/24`. */
  readonly subnet?: string | undefined
  /** Default: `10.0.100.1`. */
  readonly gateway?: string | undefined
  /** Name servers, where the machine has none. Default: `1.1.1.1` and `8.8.8.8`. */
  readonly dns?: ReadonlyArray<string> | undefined
}
