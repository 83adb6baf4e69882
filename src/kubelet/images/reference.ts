const name =
  /^(?:[a-zA-Z0-9](?:[\w.-]*[a-zA-Z0-9])?(?::\d+)?\/)?[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*/;
const tag = /^:\w[\w.-]{0,127}/;
const digest = /^@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;

/** The reference with `:latest` where it has neither tag nor digest; undefined when it is none. */
export function withDefaultTag(reference: string): string | undefined {
  const head = name.exec(reference)?.[0];
  if (head === undefined) return undefined;
  const afterName = reference.slice(head.length);
  const tagText = tag.exec(afterName)?.[0] ?? '';
  const rest = afterName.slice(tagText.length);
  if (rest !== '' && !digest.test(rest)) return undefined;
  return tagText === '' && rest === '' ? `${reference}:latest` : reference;
}

/** Registry and repository with Docker's short forms filled in: `busybox` → `docker.io/library/busybox`. */
export function repositoryOf(reference: string): string {
  const bare = reference.replace(/@.*$/, '').replace(/:[\w.-]+$/, '');
  const slash = bare.indexOf('/');
  const first = slash === -1 ? '' : bare.slice(0, slash);
  const hasRegistry = first.includes('.') || first.includes(':') || first === 'localhost';
  if (hasRegistry) return bare;
  return slash === -1 ? `docker.io/library/${bare}` : `docker.io/${bare}`;
}
