// Answers on TCP and UDP with its name and the caller's address, until it is killed: `node echo.ts NAME PORT [ADDRESS]`.
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

const [name = '', port = '8080', address = '::'] = process.argv.slice(2);
createServer((socket) => {
  socket.on('error', () => {});
  socket.end(`${name} ${socket.remoteAddress?.replace('::ffff:', '')}\n`);
}).listen(Number(port), address, () => console.log('ready'));
const udp = createSocket(address.includes(':') ? 'udp6' : 'udp4');
udp.on('message', (_message, from) =>
  udp.send(`${name} ${from.address.replace('::ffff:', '')}\n`, from.port, from.address),
);
udp.bind(Number(port), address);
