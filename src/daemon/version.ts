/** The version of Kubernetes that is served, with ours behind the plus: what nodes report and `--version` prints. */
export const nameOfVersion = 'v1.36.3+knarr1';
