/**
 * The Docker engine of this machine, for tests of what is shipped as an image or for one.
 *
 * @since 0.1.0
 */
import * as BaseImage from "./internal/baseImage.ts"
import * as DockerCli from "./internal/dockerCli.ts"

/**
 * Runs `docker` with these arguments and gives back what it printed; fails with `LabError` when it fails.
 *
 * @since 0.1.0
 * @category running
 */
export const run = DockerCli.docker

/**
 * The name of an image of Debian that the engine has, made of Debian's packages where no registry answers.
 *
 * @since 0.1.0
 * @category images
 */
export const debian = BaseImage.make
