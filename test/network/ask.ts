// Asks once and prints the answer, or how it failed: `node ask.ts ADDRESS PORT tcp|udp [SOURCE-PORT]`.
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';

const [address = '', port = '', protocol = 'tcp', sourcePort = '0'] = process.argv.slice(2);
const done = (text: string): void => {
  console.log(text);
  process.exit(0);
};
setTimeout(() => done('timeout'), 400);
if (protocol === 'tcp') {
  const socket = connect({ host: address, port: Number(port) });
  let text = '';
  socket.on('error', (error) =>
    done((error as NodeJS.ErrnoException).code === 'ECONNREFUSED' ? 'refused' : error.message),
  );
  socket.on('data', (data) => {
    text += data;
  });
  socket.on('end', () => done(text.trim()));
} else {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.on('error', (error) =>
    done((error as NodeJS.ErrnoException).code === 'ECONNREFUSED' ? 'refused' : error.message),
  );
  socket.on('message', (data) => done(String(data).trim()));
  socket.bind(Number(sourcePort), () => socket.connect(Number(port), address, () => socket.send('x')));
}
