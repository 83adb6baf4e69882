/** A file that the configuration puts into place. */
export interface WriteFile {
  path: string;
  content?: string;
  encoding?: string;
  owner?: string;
  permissions?: string;
}

/** The configuration of a machine, in the language of k3OS. */
export interface CloudConfig {
  hostname?: string;
  ssh_authorized_keys?: string[];
  write_files?: WriteFile[];
  init_cmd?: string[];
  boot_cmd?: string[];
  run_cmd?: string[];
  k3os?: {
    data_sources?: string[];
    modules?: string[];
    sysctls?: Record<string, string>;
    ntp_servers?: string[];
    dns_nameservers?: string[];
    password?: string;
    server_url?: string;
    token?: string;
    labels?: Record<string, string>;
    taints?: string[];
    k3s_args?: string[];
    environment?: Record<string, string>;
  };
}

/** What a value may be; `text` takes numbers and booleans too, as YAML reads `1` and `true`. */
export type Shape =
  | { kind: 'text' }
  | { kind: 'texts' }
  | { kind: 'textMap' }
  | { kind: 'object'; fields: Record<string, Shape>; required?: readonly string[] }
  | { kind: 'objects'; fields: Record<string, Shape>; required?: readonly string[] };

const text: Shape = { kind: 'text' };
const texts: Shape = { kind: 'texts' };
const textMap: Shape = { kind: 'textMap' };

/** Every key of the language. */
export const schema: Shape & { kind: 'object' } = {
  kind: 'object',
  fields: {
    hostname: text,
    ssh_authorized_keys: texts,
    write_files: {
      kind: 'objects',
      fields: { path: text, content: text, encoding: text, owner: text, permissions: text },
      required: ['path'],
    },
    init_cmd: texts,
    boot_cmd: texts,
    run_cmd: texts,
    k3os: {
      kind: 'object',
      fields: {
        data_sources: texts,
        modules: texts,
        sysctls: textMap,
        ntp_servers: texts,
        dns_nameservers: texts,
        password: text,
        server_url: text,
        token: text,
        labels: textMap,
        taints: texts,
        k3s_args: texts,
        environment: textMap,
      },
    },
  },
};

/** Something wrong in a configuration: where it stands, under which key, and what. */
export interface Problem {
  source: string;
  line?: number;
  column?: number;
  key: string;
  message: string;
}

/** `file:line:column: key: what is wrong`, as far as it is known. */
export function renderProblem(problem: Problem): string {
  const { source, line, column, key, message } = problem;
  const place = [source, line, column].filter((part) => part !== undefined).join(':');
  return `${place}: ${key === '' ? '' : `${key}: `}${message}`;
}
