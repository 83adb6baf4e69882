import { cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { makeDescriptions } from '../../src/apiserver/openapi/make-descriptions.ts';
import type { Stage } from '../stage.ts';
import { type Arch, clone } from '../tools/paths.ts';

const nodeArch = { amd64: 'x64', arm64: 'arm64' } as const;

/** Young memory beyond this does not make a server faster, only larger. */
export const nodeFlag = '--max-semi-space-size=8';

/** Starts a bundle by the image's own Node. */
const launcher = (main: string): string => `#!/usr/lib/knarr/node ${nodeFlag}
import './${main}';
`;

/**
 * Whoever imports `node:http` gets all its names, three of which make Node load what `fetch` is made of: 40 ms of each start
 * (in an emulator 500). The bundles take the names without them.
 */
const withoutFetch: Plugin = {
  name: 'http-without-fetch',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(node:)?http$/ }, ({ kind }) =>
      kind === 'import-statement' ? { path: 'http', namespace: 'builtin' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'builtin' }, () => {
      const described = Object.entries(Object.getOwnPropertyDescriptors(http));
      const names = described.filter(([, { get }]) => get === undefined).map(([name]) => name);
      return {
        contents: `const http = process.getBuiltinModule('node:http'); export default http; export const { ${names.join(', ')} } = http;`,
        loader: 'js',
      };
    });
  },
};

/**
 * The daemon and the machine's own program as a few files of JavaScript, with what they read at run time beside them:
 *
 *   knarr.mjs  os.mjs           what is started
 *   main.js    boot.js          the bundles; what they share in part-*.js
 *   sqlite-worker.js            the datastore's thread
 *   yaml-worker.js              the thread that reads large YAML bodies
 *   facts/                      JSON of src/<room>/facts, and what describes the API's types and fields
 *   sqlite.node                 the datastore's native part
 */
export function bundleStage(arch: Arch): Stage {
  return {
    name: `bundle-${arch}`,
    source: import.meta.filename,
    inputs: [arch, process.version],
    files: ['src', 'os', 'cloud-config', 'package-lock.json'].map((name) => join(clone, name)),
    async make(into) {
      const native = join(clone, `node_modules/better-sqlite3/prebuilds/linux-${nodeArch[arch]}.node`);
      await build({
        entryPoints: {
          main: join(clone, 'src/cli/main.ts'),
          boot: join(clone, 'os/main.ts'),
          'sqlite-worker': join(clone, 'src/store/sqlite-worker.ts'),
          'yaml-worker': join(clone, 'src/apiserver/handlers/yaml-worker.ts'),
        },
        outdir: into,
        splitting: true,
        chunkNames: 'part-[hash]',
        bundle: true,
        platform: 'node',
        target: 'node24',
        format: 'esm',
        // names stay as they are: to keep them beside shorter ones costs a call for every function that is made
        minifyWhitespace: true,
        minifySyntax: true,
        legalComments: 'none',
        logLevel: 'error',
        // packages in the older module form call require for Node's own modules
        banner: {
          js: "import { createRequire as __knarrRequire } from 'node:module'; const require = __knarrRequire(import.meta.url);",
        },
        plugins: [
          withoutFetch,
          {
            name: 'native-part-of-sqlite',
            setup({ onLoad }) {
              onLoad({ filter: /better-sqlite3\/lib\/binding\.js$/ }, () => ({
                contents: "exports.getBinding = () => require('./sqlite.node');",
                loader: 'js',
              }));
            },
          },
        ],
        // dbus-next can do without these two, which a bus on a socket does not use
        external: ['./sqlite.node', 'x11', 'usocket'],
      });
      await cp(native, join(into, 'sqlite.node'));
      await mkdir(join(into, 'facts'));
      for (const room of await readdir(join(clone, 'src'), { withFileTypes: true })) {
        if (!room.isDirectory()) continue;
        const folder = join(clone, 'src', room.name, 'facts');
        for (const name of await readdir(folder).catch(() => []))
          await cp(join(folder, name), join(into, 'facts', name));
      }
      const descriptions = await makeDescriptions();
      if (descriptions) await writeFile(join(into, 'facts/descriptions.json.gz'), descriptions);
      await writeFile(join(into, 'package.json'), '{"type":"module"}\n');
      await writeFile(join(into, 'knarr.mjs'), launcher('main.js'), { mode: 0o755 });
      await writeFile(join(into, 'os.mjs'), launcher('boot.js'), { mode: 0o755 });
    },
  };
}
