import { readdir } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import type { Host } from '../../../cloud-config/host.ts';
import type { CloudConfig } from '../../../cloud-config/schema.ts';
import { KnarrError, messageOf } from '../../../src/base/errors.ts';
import { type Disk, findDisk, listDisks, sizeText } from '../disks.ts';
import { fetchConfig, type KeptConfig, textOf } from '../kept-config.ts';
import type { InstallRequest } from '../request.ts';
import type { Asker } from './asker.ts';
import { configOf, type Draft, review, wrongIn } from './draft.ts';

export interface Answers {
  request: InstallRequest & { device: string };
  kept: KeptConfig;
}

interface Asking {
  ask: Asker;
  host: Host;
  draft: Draft;
  request: InstallRequest;
}

/** One thing that is asked for, and that can be asked for again from the review. */
interface Question {
  name: string;
  /** Whether it is asked at all, with the answers so far. */
  when(draft: Draft): boolean;
  put(asking: Asking): Promise<void>;
}

const required = (text: string): string | undefined => (text === '' ? 'needed' : undefined);
const optional = (text: string): string | undefined => (text === '' ? undefined : text);

const disk: Question = {
  name: 'disk',
  when: () => true,
  async put({ ask, host, draft, request }) {
    const listed = await listDisks(host);
    // a file, or a disk that lsblk does not list as one, can be named on the command line
    const named = request.device === undefined ? undefined : await findDisk(host, request.device);
    const disks = named && !listed.some(({ path }) => path === named.path) ? [named, ...listed] : listed;
    if (!disks.some(({ unusable }) => unusable === undefined))
      throw new KnarrError({
        code: 'install-disk',
        blame: 'user',
        message: `there is no disk to install on: ${disks.map((one) => `${one.path}: ${one.unusable}`).join('; ') || 'none at all'}`,
      });
    const hint = ({ unusable, contents, description }: Disk): string =>
      [description, unusable ?? (contents.length === 0 ? 'empty' : contents.join(', '))]
        .filter((part) => part !== '')
        .join('; ');
    draft.device = await ask.select({
      message: 'Which disk? Everything on it will be replaced.',
      options: disks.map((one) => ({
        value: one.path,
        label: `${one.path}  ${sizeText(one.size)}  ${hint(one)}`,
        disabled: one.unusable !== undefined,
      })),
      initial: draft.device ?? request.device,
    });
  },
};

const configuration: Question = {
  name: 'configuration',
  when: () => true,
  async put({ ask, host, draft }) {
    const how = await ask.select({
      message: 'Where does its configuration come from?',
      options: [
        { value: 'here', label: 'From the next questions' },
        { value: 'url', label: 'From a cloud-config: a URL or a file' },
      ],
    });
    delete draft.configUrl;
    while (how === 'url' && draft.configUrl === undefined) {
      const from = await ask.text({ message: 'URL or path of the cloud-config', validate: required });
      const { warnings } = await fetchConfig(from, host).catch((error: unknown) => ({ warnings: [messageOf(error)] }));
      if (warnings.length > 0) ask.show('There is something wrong with it', warnings);
      if (warnings.length === 0 || (await ask.confirm({ message: 'Take it all the same?', initial: false })))
        draft.configUrl = from;
    }
  },
};

const asked = (draft: Draft): boolean => draft.configUrl === undefined;

const role: Question = {
  name: 'role',
  when: asked,
  async put({ ask, draft }) {
    draft.role = await ask.select({
      message: 'What shall the machine be?',
      options: [
        { value: 'server', label: 'A server', hint: 'the control plane, and a node' },
        { value: 'agent', label: 'An agent', hint: 'a node that joins a server' },
      ],
      initial: draft.role,
    });
    delete draft.serverUrl;
    delete draft.token;
    if (draft.role === 'agent') {
      draft.serverUrl = await ask.text({
        message: 'URL of the server',
        placeholder: 'https://192.168.1.10:6443',
        validate: (text) => required(text) ?? wrongIn({ k3os: { server_url: text } }),
      });
      draft.token = await ask.secret({
        message: 'Its token (/var/lib/rancher/k3s/server/token)',
        validate: required,
      });
      return;
    }
    const token = await ask.secret({ message: 'Token for other machines to join by (empty: one is made)' });
    if (token !== '') draft.token = token;
  },
};

async function ports(host: Host): Promise<string[]> {
  const names = await readdir(host.path('/sys/class/net')).catch(() => Object.keys(networkInterfaces()));
  return names.filter((name) => /^(en|eth)/.test(name)).sort();
}

const network: Question = {
  name: 'network',
  when: asked,
  async put({ ask, host, draft }) {
    const how = await ask.select({
      message: 'How does it get its address?',
      options: [
        { value: 'dhcp', label: 'By DHCP' },
        { value: 'static', label: 'I type it in' },
      ],
      initial: draft.network === undefined ? 'dhcp' : 'static',
    });
    const before = draft.network;
    delete draft.network;
    if (how === 'dhcp') return;
    const found = await ports(host);
    const port =
      found.length > 1
        ? await ask.select({
            message: 'On which port?',
            options: found.map((name) => ({ value: name, label: name })),
            initial: before?.port,
          })
        : (found[0] ?? (await ask.text({ message: 'Name of the port', initial: 'eth0', validate: required })));
    const wrongAddress = (text: string): string | undefined =>
      required(text) ?? wrongIn({ network: { ethernets: { [port]: { addresses: [text] } } } });
    const wrongIp = (text: string): string | undefined =>
      text === '' ? undefined : wrongIn({ network: { ethernets: { [port]: { gateway4: text } } } });
    const address = await ask.text({
      message: 'Address with the length of its prefix',
      placeholder: '192.168.1.5/24',
      initial: before?.address,
      validate: wrongAddress,
    });
    const gateway = await ask.text({ message: 'Gateway (empty: none)', initial: before?.gateway, validate: wrongIp });
    const servers = await ask.text({
      message: 'Name servers, with blanks between (empty: none)',
      initial: before?.nameServers.join(' '),
      validate: (text) =>
        text
          .split(/[\s,]+/)
          .map(wrongIp)
          .find((wrong) => wrong !== undefined),
    });
    draft.network = { port, address, gateway, nameServers: servers.split(/[\s,]+/).filter((one) => one !== '') };
  },
};

const hostname: Question = {
  name: 'host name',
  when: asked,
  async put({ ask, draft }) {
    const name = optional(
      await ask.text({
        message: 'Host name (empty: made from the machine id)',
        initial: draft.hostname,
        validate: (text) =>
          /^([a-z0-9]([a-z0-9.-]*[a-z0-9])?)?$/i.test(text) ? undefined : 'letters, digits, - and .',
      }),
    );
    if (name === undefined) delete draft.hostname;
    else draft.hostname = name;
  },
};

const keyPattern = /^(github:[A-Za-z0-9-]+|(ssh|ecdsa|sk)-\S+ [A-Za-z0-9+/=]+( .*)?)$/;

/** As crypt(5) hashes it; as it is where nothing does that. */
const hashed = (password: string, host: Host): Promise<string> =>
  host.run('busybox', ['mkpasswd', '-m', 'sha512', '-P', '0'], { input: `${password}\n` }).then(
    ({ stdout }) => stdout.trim(),
    () => password,
  );

const people: Question = {
  name: 'log-in',
  when: asked,
  async put({ ask, host, draft }) {
    draft.keys = [];
    for (;;) {
      const key = await ask.text({
        message: draft.keys.length === 0 ? 'An ssh key that may log in as rancher' : 'One more key (empty: no more)',
        placeholder: 'github:USER or ssh-ed25519 AAAA... (empty: none)',
        validate: (text) =>
          text === '' || keyPattern.test(text) ? undefined : 'github:USER, or a line of a .pub file',
      });
      if (key === '') break;
      draft.keys.push(key);
    }
    delete draft.password;
    const password = await ask.secret({
      message: draft.keys.length === 0 ? 'Password of rancher' : 'Password of rancher (empty: none, by key alone)',
      validate: (text) => (draft.keys.length === 0 && text === '' ? 'without a key nobody could log in' : undefined),
    });
    if (password === '') return;
    await ask.secret({
      message: 'The password again',
      validate: (text) => (text === password ? undefined : 'it is another one'),
    });
    draft.password = await hashed(password, host);
  },
};

const questions: readonly Question[] = [disk, configuration, role, network, hostname, people];

/** Asks for everything, lets the person look it over and change it, and for a last word. */
export async function askAll(options: {
  request: InstallRequest;
  config: CloudConfig;
  host: Host;
  asker?: Asker;
}): Promise<Answers> {
  const { request, config, host } = options;
  const ask = options.asker ?? (await import('./terminal.ts')).terminalAsker('Knarr: installation on a disk');
  const draft: Draft = {
    role: config.k3os?.server_url === undefined ? 'server' : 'agent',
    keys: [],
    ...(request.config === undefined ? {} : { configUrl: request.config }),
    ...(config.hostname === undefined ? {} : { hostname: config.hostname }),
  };
  const asking: Asking = { ask, host, draft, request };
  const put = async (question: Question): Promise<void> => {
    if (question.when(draft)) await question.put(asking);
  };
  for (const question of questions) if (question !== configuration || request.config === undefined) await put(question);
  for (;;) {
    ask.show('This is what will be installed', review(draft));
    const next = await ask.select({
      message: `Everything on ${draft.device} will be lost. Go on?`,
      options: [
        { value: 'install', label: 'Install' },
        ...questions.filter(({ when }) => when(draft)).map(({ name }) => ({ value: name, label: `Change: ${name}` })),
        { value: 'cancel', label: 'Leave everything as it is' },
      ],
    });
    if (next === 'install') break;
    if (next === 'cancel') throw new KnarrError({ code: 'cancelled', blame: 'user', message: 'nothing was changed' });
    const again = questions.find(({ name }) => name === next);
    if (again !== undefined) await put(again);
    // from a URL to answers: the others have not been asked for yet
    if (again === configuration && asked(draft)) for (const question of questions.slice(2)) await put(question);
  }
  const afterwards =
    request.afterwards === 'stay'
      ? await ask.select({
          message: 'And then?',
          options: [
            { value: 'reboot', label: 'Restart the machine' },
            { value: 'power-off', label: 'Turn it off' },
            { value: 'stay', label: 'Leave it running' },
          ],
        })
      : request.afterwards;
  return {
    request: { ...request, device: draft.device ?? '', force: true, afterwards },
    kept:
      draft.configUrl === undefined
        ? { text: textOf(configOf(draft, config)), warnings: [] }
        : await fetchConfig(draft.configUrl, host),
  };
}
