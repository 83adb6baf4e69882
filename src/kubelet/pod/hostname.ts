import { KnarrError } from '../../base/errors.ts';
import type { NodePod } from './pod.ts';

const maxLength = 63;

/** A pod's host name cut to what a label may have, and its domain when it has a subdomain. */
export function hostnameOf(pod: NodePod, clusterDomain: string): { hostname: string; domain: string } {
  const { spec, metadata } = pod;
  if (spec.hostnameOverride) return { hostname: spec.hostnameOverride, domain: '' };
  const hostname = spec.hostname || metadata.name.slice(0, maxLength).replace(/[-.]+$/, '');
  const domain = spec.subdomain ? `${spec.subdomain}.${metadata.namespace}.svc.${clusterDomain}` : '';
  return { hostname, domain };
}

/** What the kernel is told: the full name where the pod asks for that, which must then fit. */
export function kernelHostname(pod: NodePod, clusterDomain: string): string {
  const { hostname, domain } = hostnameOf(pod, clusterDomain);
  if (pod.spec.hostnameOverride || !pod.spec.setHostnameAsFQDN || domain === '') return hostname;
  const full = `${hostname}.${domain}`;
  if (full.length > 64)
    throw new KnarrError({
      code: 'pod-hostname-too-long',
      blame: 'user',
      message: `failed to construct FQDN from pod hostname and cluster domain, FQDN ${full} is too long (64 characters is the max, ${full.length} characters requested)`,
    });
  return full;
}

/** The content of a pod's /etc/hosts; pods on the host's network get the host's file with their aliases added. */
export function hostsFile(options: {
  hostname: string;
  domain: string;
  podIPs: readonly string[];
  aliases: readonly { ip: string; hostnames?: readonly string[] | undefined }[];
  /** The node's own file, for pods on the host's network. */
  host?: string;
}): string {
  const { hostname, domain, podIPs, aliases, host } = options;
  const lines: string[] = [];
  if (host !== undefined) lines.push('# Kubernetes-managed hosts file (host network).', host.replace(/\n$/, ''));
  else {
    lines.push(
      '# Kubernetes-managed hosts file.',
      '127.0.0.1\tlocalhost',
      '::1\tlocalhost ip6-localhost ip6-loopback',
      'fe00::0\tip6-localnet',
      'fe00::0\tip6-mcastprefix',
      'fe00::1\tip6-allnodes',
      'fe00::2\tip6-allrouters',
    );
    for (const ip of podIPs)
      lines.push(domain === '' ? `${ip}\t${hostname}` : `${ip}\t${hostname}.${domain}\t${hostname}`);
  }
  if (aliases.length > 0) {
    lines.push('', '# Entries added by HostAliases.');
    for (const { ip, hostnames } of aliases) lines.push(`${ip}\t${(hostnames ?? []).join('\t')}`);
  }
  return `${lines.join('\n')}\n`;
}
