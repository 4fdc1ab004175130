import * as FileSuite from "@toehold/lab/FileSuite"
import { describeWith } from "@toehold/lab/RealPart"
import { accounts, servicesOf } from "./support/distributions.ts"

describeWith(["docker", "mmdebstrap"], "files on other distributions", () => {
  for (const account of accounts) {
    // The smaller one has no SFTP: its files are read and written by the shell.
    const sftp = account.image === "debian-openssh"
    FileSuite.suite(`as ${account.name}`, servicesOf(account), {
      unprivileged: account.user !== "root",
      wholeSeconds: true,
      inodes: !sftp,
      bigFileBytes: 3_000_000,
      names: sftp ? 45 : 12,
      concurrency: 6
    })
  }
})
