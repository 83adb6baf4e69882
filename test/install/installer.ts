import { main } from '../../os/install/command.ts';
import { folderHost } from './fake-machine.ts';

/** `knarr install` on a machine that is a folder: `installer.ts FOLDER ARGUMENTS…`. Its list of disks is made up. */
const [folder = '', ...args] = process.argv.slice(2);
const host = folderHost(folder);
const disks = {
  blockdevices: [
    {
      path: '/dev/vda',
      type: 'disk',
      size: 8 * 2 ** 30,
      ro: false,
      children: [{ path: '/dev/vda1', type: 'part', size: 2 ** 30, ro: false, mountpoints: ['/boot'] }],
    },
  ],
};
process.exitCode = await main(args, {
  ...host,
  run: async (program, words, options) =>
    program === 'lsblk'
      ? { code: 0, stdout: JSON.stringify(disks), stderr: '' }
      : program === 'systemctl'
        ? { code: 0, stdout: '', stderr: '' }
        : host.run(program, words, options),
});
