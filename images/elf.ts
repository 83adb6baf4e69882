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
