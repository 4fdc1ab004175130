/** Made by the build: the program's version, and all of its code as one CommonJS module. */
declare module "virtual:program" {
  export const version: string
  export const code: string
}
