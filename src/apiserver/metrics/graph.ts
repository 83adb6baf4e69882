import type { NodeGraph } from '../authz/node-graph.ts';
import { createHistograms } from './histogram.ts';

/** What keeping the node authorizer's graph takes, under upstream's names. */
export function createGraphMetrics() {
  const times = createHistograms({
    name: 'node_authorizer_graph_actions_duration_seconds',
    help: 'Time to keep in mind what belongs to which node.',
    labels: ['operation'],
    bounds: Array.from({ length: 12 }, (_, i) => 0.0001 * 2 ** i),
  });
  const timed = <T extends readonly unknown[]>(operation: string, work: (...values: T) => void) => {
    const series = times.of(operation);
    return (...values: T): void => {
      const began = performance.now();
      work(...values);
      series.observe((performance.now() - began) / 1000);
    };
  };
  return {
    /** The same graph, its changes measured. */
    measured: (graph: NodeGraph): NodeGraph => ({
      reaches: graph.reaches,
      putPod: timed('AddPod', graph.putPod),
      removePod: timed('DeletePod', graph.removePod),
      putVolume: timed('AddPV', graph.putVolume),
      removeVolume: timed('DeletePV', graph.removeVolume),
      putAttachment: timed('AddVolumeAttachment', graph.putAttachment),
      removeAttachment: timed('DeleteVolumeAttachment', graph.removeAttachment),
    }),
    render: (): string => times.render(),
  };
}
