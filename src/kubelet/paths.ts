/**
 * The kubelet's own tree.
 *
 *   <rootDir>/                                  /var/lib/kubelet
 *   ├─ seccomp/                                 profiles of type Localhost
 *   ├─ plugins/ plugins_registry/ device-plugins/
 *   └─ pods/<uid>/
 *      ├─ etc-hosts
 *      ├─ userns                                identity range, when the pod has its own
 *      ├─ containers/<name>/<random>            termination message files
 *      ├─ volumes/<plugin>/<volume>/
 *      └─ volume-subpaths/<volume>/<container>/<index>
 *   <volatileDir>/<uid>/volumes/<plugin>/<volume>/    secrets and tokens, in memory
 */
export interface KubeletPaths {
  readonly root: string;
  readonly pods: string;
  readonly volatile: string;
  readonly seccomp: string;
  pod(uid: string): string;
  etcHosts(uid: string): string;
  userNamespace(uid: string): string;
  container(uid: string, name: string): string;
  volume(uid: string, plugin: string, name: string): string;
  volatileVolume(uid: string, plugin: string, name: string): string;
  subPath(uid: string, volume: string, container: string, index: number): string;
}

export function kubeletPaths(root: string, volatileDir: string): KubeletPaths {
  const pods = `${root}/pods`;
  const pod = (uid: string): string => `${pods}/${uid}`;
  return {
    root,
    pods,
    volatile: volatileDir,
    seccomp: `${root}/seccomp`,
    pod,
    etcHosts: (uid) => `${pod(uid)}/etc-hosts`,
    userNamespace: (uid) => `${pod(uid)}/userns`,
    container: (uid, name) => `${pod(uid)}/containers/${name}`,
    volume: (uid, plugin, name) => `${pod(uid)}/volumes/${plugin}/${name}`,
    volatileVolume: (uid, plugin, name) => `${volatileDir}/${uid}/volumes/${plugin}/${name}`,
    subPath: (uid, volume, container, index) => `${pod(uid)}/volume-subpaths/${volume}/${container}/${index}`,
  };
}
