import type { NodeInfo } from '../node-info.ts';
import type { Cycle, Plugin } from '../plugin.ts';

const mb = 1024 * 1024;
const least = 23 * mb;
const mostPerContainer = 1000 * mb;

/** As nodes report images: with a tag, `latest` when none is given. */
function normalized(image: string): string {
  return image.lastIndexOf(':') <= image.lastIndexOf('/') ? `${image}:latest` : image;
}

const imagesOf = ({ pod }: Cycle): string[] =>
  [...(pod.pod.spec?.containers ?? []), ...(pod.pod.spec?.initContainers ?? [])].map((c) => normalized(c.image ?? ''));

/** Prefers nodes that have the images, more so the more nodes have them (else one node would draw everything). */
export const imageLocality: Plugin = {
  name: 'ImageLocality',
  wakes: [],
  score: {
    weight: 1,
    prepare(cycle) {
      const { nodes } = cycle.view;
      const sizes = imagesOf(cycle).map((image) => {
        const have = nodes.filter((n) => n.images.has(image)).length;
        return [image, nodes.length === 0 ? 0 : have / nodes.length] as const;
      });
      cycle.facts.set('ImageLocality', sizes);
      return sizes.some(([, spread]) => spread > 0);
    },
    of(cycle, node: NodeInfo) {
      const spreads = cycle.facts.get('ImageLocality') as readonly (readonly [string, number])[];
      const sum = spreads.reduce((total, [image, spread]) => total + (node.images.get(image) ?? 0) * spread, 0);
      const most = mostPerContainer * spreads.length;
      return Math.floor((100 * (Math.min(Math.max(sum, least), most) - least)) / (most - least));
    },
  },
};
