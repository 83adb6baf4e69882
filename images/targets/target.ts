import type { Flavour } from '../packages.ts';
import type { Parts } from '../parts.ts';
import type { Arch } from '../tools/paths.ts';

/** The forms that a disk can be written in. */
export const diskFormats = ['raw', 'qcow2', 'vmdk', 'vhd'] as const;
export type DiskFormat = (typeof diskFormats)[number];

/** A file of an image: where it was made, and what it is called for whoever takes it. */
export interface Output {
  from: string;
  /** Behind the image's own name: `.iso`; or, in a folder of its own, the name of the file. */
  name: string;
  /** Compressed on the way: a disk that is mostly empty, or a tree. */
  compress?: boolean;
}

/** One kind of image. */
export interface Target {
  summary: string;
  flavour: Flavour;
  arches: readonly Arch[];
  formats?: readonly DiskFormat[];
  /** Options that would change nothing in it, or make of it what cannot start: they are refused. */
  without?: readonly string[];
  /** The files are one thing together: they get a folder with the image's name, and keep theirs. */
  folder?: boolean;
  make(parts: Parts, formats: readonly DiskFormat[]): Promise<readonly Output[]>;
}
