import { KnarrError } from '../src/base/errors.ts';

/** Offsets in the header of a 64-bit ELF file, and in an entry of its table of segments. */
const header = { segments: 32, sections: 40, segmentSize: 54, segmentCount: 56, sectionSize: 58 };
const segment = { offset: 8, sizeInFile: 32 };

/**
 * A 64-bit little-endian ELF program of any architecture without what only debuggers read: symbols, debugging
 * information and the table of sections, which stand behind the last segment. The loader reads segments alone.
 */
export function withoutSections(program: Buffer): Buffer {
  if (program.toString('latin1', 0, 4) !== '\x7fELF' || program[4] !== 2 || program[5] !== 1)
    throw new KnarrError({ code: 'elf', blame: 'world', message: 'not a 64-bit little-endian ELF program' });
  const start = Number(program.readBigUInt64LE(header.segments));
  const size = program.readUInt16LE(header.segmentSize);
  const count = program.readUInt16LE(header.segmentCount);
  const ends = Array.from({ length: count }, (_, index) => {
    const at = start + index * size;
    return Number(program.readBigUInt64LE(at + segment.offset) + program.readBigUInt64LE(at + segment.sizeInFile));
  });
  const result = Buffer.from(program.subarray(0, Math.max(start + count * size, ...ends)));
  result.writeBigUInt64LE(0n, header.sections);
  result.fill(0, header.sectionSize, header.sectionSize + 6);
  return result;
}

/** The libraries that a program or a library names in its dynamic section, and the dynamic loader that it asks for. */
export function dependencies(program: Buffer): { libraries: string[]; loader: string | undefined } {
  const at = Number(program.readBigUInt64LE(header.segments));
  const size = program.readUInt16LE(header.segmentSize);
  const segments = Array.from({ length: program.readUInt16LE(header.segmentCount) }, (_, index) => {
    const start = at + index * size;
    const number = (offset: number): number => Number(program.readBigUInt64LE(start + offset));
    return { type: program.readUInt32LE(start), offset: number(8), address: number(16), size: number(32) };
  });
  const text = (offset: number): string => program.toString('latin1', offset, program.indexOf(0, offset));
  const fileOffset = (address: number): number => {
    const found = segments.find((s) => s.type === 1 && address >= s.address && address < s.address + s.size);
    return found === undefined ? 0 : address - found.address + found.offset;
  };
  const dynamic = segments.find(({ type }) => type === 2);
  const entries = Array.from({ length: dynamic === undefined ? 0 : dynamic.size / 16 }, (_, index) => {
    const entry = (dynamic?.offset ?? 0) + index * 16;
    return { tag: Number(program.readBigInt64LE(entry)), value: Number(program.readBigUInt64LE(entry + 8)) };
  });
  const strings = fileOffset(entries.find(({ tag }) => tag === 5)?.value ?? 0);
  const loader = segments.find(({ type }) => type === 3);
  return {
    libraries: entries.filter(({ tag }) => tag === 1).map(({ value }) => text(strings + value)),
    loader: loader && text(loader.offset),
  };
}
