/** One setting: a flag of the command line, a key of config.yaml, an environment variable. */
export interface Flag {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly env?: readonly string[];
  readonly type: 'string' | 'integer' | 'boolean' | 'list';
  /** For people and for use; lists have their default as one string. */
  readonly default?: string;
  readonly appliesTo: 'server' | 'agent' | 'both';
  readonly group: string;
  readonly usage: string;
  readonly hidden?: boolean;
  /** A list whose values may hold several, separated by commas. */
  readonly commas?: boolean;
  /** Why giving it is refused; the sentence follows "not supported yet: ". */
  readonly unsupported?: string;
  /** Given without effect, for the sake of old configurations; the sentence says what to do instead. */
  readonly ignored?: string;
}

type Extra = Omit<Flag, 'name' | 'type' | 'appliesTo' | 'group' | 'usage'>;
type Define = (name: string, type: Flag['type'], usage: string, extra?: Extra) => Flag;

/** Rows of one group and one applicability, without repeating both. */
export const rowsOf =
  (group: string, appliesTo: Flag['appliesTo']): Define =>
  (name, type, usage, extra = {}) => ({ name, type, usage, group, appliesTo, ...extra });
