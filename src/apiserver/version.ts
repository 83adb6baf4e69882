/** The Kubernetes version whose API this is, as `/version` tells it. */
export const gitVersion = 'v1.36.3+knarr1';

export function versionInfo() {
  const platform = `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`;
  return {
    major: '1',
    minor: '36',
    emulationMajor: '1',
    emulationMinor: '36',
    minCompatibilityMajor: '1',
    minCompatibilityMinor: '35',
    gitVersion,
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: '',
    compiler: 'node',
    platform,
  };
}
