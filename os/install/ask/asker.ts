export interface Choice<T extends string = string> {
  readonly value: T;
  readonly label: string;
  readonly hint?: string | undefined;
  readonly disabled?: boolean;
}

/** How a person is asked; each method throws KnarrError `cancelled` when the person goes away. */
export interface Asker {
  select<T extends string>(question: { message: string; options: Choice<T>[]; initial?: T | undefined }): Promise<T>;
  /** `validate` gives what is wrong with an answer. */
  text(question: {
    message: string;
    placeholder?: string;
    initial?: string | undefined;
    validate?: (text: string) => string | undefined;
  }): Promise<string>;
  secret(question: { message: string; validate?: (text: string) => string | undefined }): Promise<string>;
  confirm(question: { message: string; initial: boolean }): Promise<boolean>;
  show(title: string, lines: readonly string[]): void;
}
