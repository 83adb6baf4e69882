const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** A kubeconfig with one cluster, one user and one context, everything inline (YAML). */
export function kubeconfig(options: {
  server: string;
  certificateAuthority: string;
  clientCertificate: string;
  clientKey: string;
  name?: string;
}): string {
  const { server, name = 'default' } = options;
  const quoted = JSON.stringify(name);
  return `apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: ${base64(options.certificateAuthority)}
    server: ${JSON.stringify(server)}
  name: ${quoted}
contexts:
- context:
    cluster: ${quoted}
    user: ${quoted}
  name: ${quoted}
current-context: ${quoted}
kind: Config
users:
- name: ${quoted}
  user:
    client-certificate-data: ${base64(options.clientCertificate)}
    client-key-data: ${base64(options.clientKey)}
`;
}

/** A kubeconfig that points at files beside it: the form that components keep under `server/cred`. */
export function fileKubeconfig(options: {
  server: string;
  certificateAuthorityFile: string;
  clientCertificateFile: string;
  clientKeyFile: string;
}): string {
  return `apiVersion: v1
clusters:
- cluster:
    certificate-authority: ${options.certificateAuthorityFile}
    server: ${JSON.stringify(options.server)}
  name: local
contexts:
- context:
    cluster: local
    user: user
  name: Default
current-context: Default
kind: Config
users:
- name: user
  user:
    client-certificate: ${options.clientCertificateFile}
    client-key: ${options.clientKeyFile}
`;
}
