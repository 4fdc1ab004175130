/**
 * Keywords that ssh knows and that do not matter here: they change neither how a machine is reached nor what a command
 * does there.
 */
export const harmless: ReadonlySet<string> = new Set(
  [
    // What ssh itself ignores.
    `protocol cipher fallbacktorsh globalknownhostsfile2 rhostsauthentication userknownhostsfile2 useroaming
      usersh useprivilegedport afstokenpassing kerberosauthentication kerberostgtpassing rsaauthentication
      rhostsrsaauthentication compressionlevel`,
    // Ways to authenticate that are not offered here: without them the others are tried.
    `gssapiauthentication gssapidelegatecredentials gssapikeyexchange gssapiclientidentity gssapiserveridentity
      gssapirenewalforcesrekey gssapitrustdns gssapikexalgorithms hostbasedauthentication
      hostbasedacceptedalgorithms hostbasedkeytypes enablesshkeysign kbdinteractivedevices securitykeyprovider
      addkeystoagent`,
    // Prompts and what is shown: nothing is ever asked, and the log is this program's own.
    `batchmode numberofpasswordprompts escapechar enableescapecommandline visualhostkey fingerprinthash loglevel
      logverbose syslogfacility stdinnull forkafterauthentication`,
    // Host keys: leaving them out never accepts a key that ssh would not.
    `checkhostip hashknownhosts updatehostkeys verifyhostkeydns nohostauthenticationforlocalhost
      casignaturealgorithms`,
    // Connections are this program's own, and are kept alive and tried again its own way.
    `controlmaster controlpath controlpersist tcpkeepalive keepalive connectionattempts ipqos rekeylimit
      obscurekeystroketiming channeltimeout versionaddendum warnweakcrypto exitonforwardfailure
      streamlocalbindmask streamlocalbindunlink`,
    // They act only through keywords that are refused.
    `canonicaldomains canonicalizefallbacklocal canonicalizemaxdots tag`
  ].flatMap((keywords) => keywords.split(/\s+/))
)

interface Neutral {
  /** Values that ask for nothing, in lower case. */
  readonly neutral: ReadonlyArray<string>
  readonly detail: string
  readonly hint?: string
}

/**
 * What a session has besides the command. In a file such a line is meant for people's own logins and is skipped; whoever
 * writes it on the command line wants it now, and is told.
 */
export const sessionOnly: Readonly<Record<string, Neutral>> = {
  forwardagent: { neutral: ["no", "false"], detail: "the agent is not forwarded" },
  forwardx11: { neutral: ["no", "false"], detail: "X11 is not forwarded" },
  forwardx11trusted: { neutral: ["no", "false"], detail: "X11 is not forwarded" },
  forwardx11timeout: { neutral: [], detail: "X11 is not forwarded" },
  xauthlocation: { neutral: ["none"], detail: "X11 is not forwarded" },
  gatewayports: {
    neutral: ["no", "false"],
    detail: "a forwarding listens on the loopback address unless it names another",
    hint: "Name the address in the forwarding itself: -L 0.0.0.0:8080:localhost:80."
  },
  permitremoteopen: { neutral: ["any"], detail: "destinations of remote forwardings are not restricted" },
  sendenv: {
    neutral: [],
    detail: "variables are not taken from the environment by pattern",
    hint: "Name each with --env-from NAME."
  },
  setenv: { neutral: [], detail: "variables are set per command", hint: "Use --env NAME=VALUE." },
  permitlocalcommand: { neutral: ["no", "false"], detail: "no local command is run" },
  localcommand: { neutral: ["none"], detail: "no local command is run" },
  tunnel: { neutral: ["no", "false"], detail: "no tunnel device is opened" },
  tunneldevice: { neutral: ["any:any"], detail: "no tunnel device is opened" }
}

const systemSsh = "Take it out for this host, or use the system's own ssh."

/** What would lead elsewhere, or weaken or deny a connection, if it were left out. */
export const refused: Readonly<Record<string, Neutral>> = {
  proxycommand: {
    neutral: ["none"],
    detail: "connecting through a command is not supported",
    hint: "If it runs ssh -W to a jump host, write ProxyJump (-J) instead."
  },
  proxyusefdpass: {
    neutral: ["no", "false"],
    detail: "connecting through a command is not supported",
    hint: systemSsh
  },
  certificatefile: { neutral: ["none"], detail: "user certificates are not supported", hint: systemSsh },
  pkcs11provider: { neutral: ["none"], detail: "keys on a PKCS#11 token are not supported", hint: systemSsh },
  smartcarddevice: { neutral: ["none"], detail: "keys on a smart card are not supported", hint: systemSsh },
  knownhostscommand: {
    neutral: ["none"],
    detail: "host keys from a command are not supported",
    hint: "Write the keys to a file and name it with UserKnownHostsFile."
  },
  revokedhostkeys: {
    neutral: ["none"],
    detail: "a file of revoked host keys is not supported",
    hint: "Mark the keys with @revoked in a known_hosts file."
  },
  bindaddress: { neutral: [], detail: "binding to a local address is not supported", hint: systemSsh },
  bindinterface: { neutral: [], detail: "binding to an interface is not supported", hint: systemSsh },
  canonicalizehostname: {
    neutral: ["no", "false"],
    detail: "host names are not canonicalized",
    hint: "Write the full name, with HostName if it is an alias."
  },
  canonicalizepermittedcnames: {
    neutral: ["none"],
    detail: "host names are not canonicalized",
    hint: "Write the full name, with HostName if it is an alias."
  },
  remotecommand: {
    neutral: ["none"],
    detail: "this host runs a command of its own, so none can be given",
    hint: "Make another Host block without RemoteCommand."
  },
  refuseconnection: { neutral: [], detail: "the configuration refuses connections to this host" }
}
