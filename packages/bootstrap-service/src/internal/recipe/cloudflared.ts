/** What opens tunnels; also installed where a tunnel is asked for and it is missing. */
import * as Programs from "./programs.ts"

export const text = `#!/bin/sh
# recipe: cloudflared
# version: 1
# summary: Cloudflare's tunnel client, for the user
${Programs.githubMirror}
set -eu
${Programs.own}
if ! command -v cloudflared >/dev/null 2>&1; then
  th_fetch "\${GITHUB_MIRROR:-https://github.com}/cloudflare/cloudflared/releases/latest/download/cloudflared-linux-$th_deb" "$th_tmp/cloudflared"
  chmod 755 "$th_tmp/cloudflared"
  "$th_tmp/cloudflared" --version
  cp "$th_tmp/cloudflared" "$th_own/bin/.cloudflared.new"
  mv -f "$th_own/bin/.cloudflared.new" "$th_own/bin/cloudflared"
fi
cloudflared --version
`

export const cloudflared = { name: "cloudflared", version: "1", interpreter: "sh", script: text } as const
