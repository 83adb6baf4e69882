import { readdir, readFile } from 'node:fs/promises';
import { renderFamilies } from './text.ts';

type Row = readonly [name: string, type: 'counter' | 'gauge', help: string, value: number | undefined];

const pageBytes = 4096;

/** What the kernel knows of this process; each undefined where it does not say. */
interface Kernel {
  openFiles?: number;
  mostFiles?: number;
  virtualBytes?: number;
  mostVirtualBytes?: number;
  receivedBytes?: number;
  sentBytes?: number;
}

/** Of the table that has its names in one line and their values in the next. */
function ofNetwork(text: string, name: string): number | undefined {
  const [names = [], values = []] = text
    .split('\n')
    .filter((line) => line.startsWith('IpExt:'))
    .map((line) => line.split(' '));
  const at = names.indexOf(name);
  return at < 0 ? undefined : Number(values[at]);
}

async function askKernel(): Promise<Kernel> {
  const [files, limits, memory, network] = await Promise.all([
    readdir('/proc/self/fd'),
    readFile('/proc/self/limits', 'utf8'),
    readFile('/proc/self/statm', 'utf8'),
    readFile('/proc/self/net/netstat', 'utf8'),
  ]);
  const limit = (name: string): number | undefined => {
    const text = new RegExp(`^${name} +(\\S+)`, 'm').exec(limits)?.[1];
    return text === undefined ? undefined : text === 'unlimited' ? 2 ** 64 : Number(text);
  };
  return {
    openFiles: files.length,
    ...withValue('mostFiles', limit('Max open files')),
    ...withValue('mostVirtualBytes', limit('Max address space')),
    ...withValue('receivedBytes', ofNetwork(network, 'InOctets')),
    ...withValue('sentBytes', ofNetwork(network, 'OutOctets')),
    virtualBytes: Number(memory.split(' ')[0]) * pageBytes,
  };
}

const withValue = (name: keyof Kernel, value: number | undefined): Kernel =>
  value === undefined ? {} : { [name]: value };

/** The process' own figures in the text format of Prometheus; what the kernel has to be asked for is as of the last time. */
export function createProcessMetrics(startedAt: number): { render(): string } {
  let kernel: Kernel = {};
  const refresh = (): void => {
    askKernel().then(
      (known) => {
        kernel = known;
      },
      () => {}, // no /proc here
    );
  };
  refresh();
  return {
    render() {
      refresh();
      const { user, system } = process.cpuUsage();
      const { rss, heapUsed, external } = process.memoryUsage();
      const rows: readonly Row[] = [
        ['process_cpu_seconds_total', 'counter', 'User and system CPU time spent.', (user + system) / 1e6],
        ['process_resident_memory_bytes', 'gauge', 'Resident memory size.', rss],
        ['process_start_time_seconds', 'gauge', 'Start time since the epoch.', startedAt / 1000],
        ['process_open_fds', 'gauge', 'Open files.', kernel.openFiles],
        ['process_max_fds', 'gauge', 'The most files that may be open.', kernel.mostFiles],
        ['process_virtual_memory_bytes', 'gauge', 'Address space in use.', kernel.virtualBytes],
        ['process_virtual_memory_max_bytes', 'gauge', 'The most of it.', kernel.mostVirtualBytes],
        [
          'process_network_receive_bytes_total',
          'counter',
          'Bytes that came in, of all in this network.',
          kernel.receivedBytes,
        ],
        ['process_network_transmit_bytes_total', 'counter', 'Bytes that went out, likewise.', kernel.sentBytes],
        ['nodejs_heap_size_used_bytes', 'gauge', 'Heap in use.', heapUsed],
        ['nodejs_external_memory_bytes', 'gauge', 'Memory outside of the heap.', external],
      ];
      return renderFamilies(
        rows.map(([name, type, help, value]) => ({
          name,
          type,
          help,
          samples: value === undefined ? [] : [{ labels: {}, value }],
        })),
      );
    },
  };
}
