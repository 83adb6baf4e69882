import { quantityValue } from '../api/quantity.ts';
import { KnarrError } from '../base/errors.ts';
import type { KubeletOptions } from '../kubelet/options.ts';
import { parseDuration, parseWhole } from './argument-values.ts';
import { type ArgumentTable, applyArguments } from './component-arguments.ts';

/** The kubelet options that `--kubelet-arg` can set. */
export type KubeletOverrides = Partial<
  Pick<
    KubeletOptions,
    | 'rootDir'
    | 'maxPods'
    | 'reserved'
    | 'evictionHard'
    | 'imageGc'
    | 'allowedUnsafeSysctls'
    | 'containerLogs'
    | 'nodeStatusReportMs'
    | 'leaseDurationSeconds'
    | 'cgroups'
    | 'staticPodDir'
    | 'resolvConf'
  >
>;

const refuse = (message: string): KnarrError => new KnarrError({ code: 'invalid-setting', blame: 'user', message });

const whole = (name: string, text: string): number => parseWhole(`kubelet-arg=${name}`, text);

/** `a<b` or `a=b` pairs separated by commas. */
const pairs = (name: string, text: string, separator: '=' | '<'): Record<string, string> =>
  Object.fromEntries(
    text.split(',').map((pair) => {
      const at = pair.indexOf(separator);
      if (at <= 0) throw refuse(`--kubelet-arg=${name}: ${JSON.stringify(pair)} is not name${separator}value`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );

type Setter = ArgumentTable<KubeletOverrides>['known'][string];

const reserve =
  (name: string): Setter =>
  (value, so) => ({ reserved: { ...so.reserved, ...pairs(name, value, '=') } });

const setters: Readonly<Record<string, Setter>> = {
  'root-dir': (rootDir) => ({ rootDir }),
  'max-pods': (value) => ({ maxPods: whole('max-pods', value) }),
  'system-reserved': reserve('system-reserved'),
  'kube-reserved': reserve('kube-reserved'),
  'eviction-hard': (value) => ({ evictionHard: pairs('eviction-hard', value, '<') }),
  'image-gc-high-threshold': (value, so) => ({
    imageGc: { lowPercent: so.imageGc?.lowPercent ?? 80, highPercent: whole('image-gc-high-threshold', value) },
  }),
  'image-gc-low-threshold': (value, so) => ({
    imageGc: { highPercent: so.imageGc?.highPercent ?? 85, lowPercent: whole('image-gc-low-threshold', value) },
  }),
  'allowed-unsafe-sysctls': (value) => ({ allowedUnsafeSysctls: value.split(',') }),
  'container-log-max-size': (value, so) => ({
    containerLogs: { maxFiles: so.containerLogs?.maxFiles ?? 5, maxBytes: quantityValue(value) },
  }),
  'container-log-max-files': (value, so) => ({
    containerLogs: {
      maxBytes: so.containerLogs?.maxBytes ?? 10 * 1024 * 1024,
      maxFiles: whole('container-log-max-files', value),
    },
  }),
  'node-status-update-frequency': (value) => ({ nodeStatusReportMs: parseDuration(value) }),
  'node-lease-duration-seconds': (value) => ({ leaseDurationSeconds: whole('node-lease-duration-seconds', value) }),
  'cgroup-driver': (value, so) => {
    if (value !== 'systemd' && value !== 'cgroupfs')
      throw refuse(`--kubelet-arg=cgroup-driver: ${JSON.stringify(value)} is not systemd or cgroupfs`);
    return { cgroups: { ...so.cgroups, driver: value } };
  },
  'cgroup-root': (root, so) => ({ cgroups: { ...so.cgroups, root } }),
  'pod-manifest-path': (staticPodDir) => ({ staticPodDir }),
  'resolv-conf': (resolvConf) => ({ resolvConf }),
};

/** Throws KnarrError for an argument that is not known here. */
export const kubeletOverrides = (args: ReadonlyMap<string, string>): KubeletOverrides =>
  applyArguments({ flag: 'kubelet-arg', known: setters }, args);
