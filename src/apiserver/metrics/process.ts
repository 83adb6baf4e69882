/** The process' own figures in the text format of Prometheus. */
export function renderProcess(startedAt: number): string {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed, external } = process.memoryUsage();
  const rows: [string, string, string, number][] = [
    ['process_cpu_seconds_total', 'counter', 'User and system CPU time spent.', (user + system) / 1e6],
    ['process_resident_memory_bytes', 'gauge', 'Resident memory size.', rss],
    ['process_start_time_seconds', 'gauge', 'Start time since the epoch.', startedAt / 1000],
    ['nodejs_heap_size_used_bytes', 'gauge', 'Heap in use.', heapUsed],
    ['nodejs_external_memory_bytes', 'gauge', 'Memory outside of the heap.', external],
  ];
  return rows
    .map(([name, type, help, value]) => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name} ${value}\n`)
    .join('');
}
