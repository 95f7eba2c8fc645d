// Node's socks, BIND: node_bind.js VERSION HOST; prints the address to connect to, who connected, and what they said.
'use strict';
const { SocksClient } = require('socks');

const [version, host] = process.argv.slice(2);
const client = new SocksClient({
  proxy: { host: '10.77.1.1', port: 1080, type: Number(version) },
  command: 'bind',
  destination: { host, port: 0 },
});
client.on('bound', ({ remoteHost }) => console.log(`${remoteHost.host}:${remoteHost.port}`));
client.on('established', ({ socket, remoteHost }) => {
  console.log(`${remoteHost.host}:${remoteHost.port}`);
  socket.pipe(process.stdout);
  socket.resume();
});
client.on('error', (error) => {
  console.error(error.message);
  process.exitCode = 1;
});
client.connect();
