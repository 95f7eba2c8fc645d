// Node's socks, CONNECT: node_connect.js VERSION HOST PORT [USER PASSWORD]; pipes stdin to the target and its answer to stdout.
'use strict';
const { SocksClient } = require('socks');

const [version, host, port, userId, password] = process.argv.slice(2);
SocksClient.createConnection({
  proxy: { host: '10.77.1.1', port: 1080, type: Number(version), userId, password },
  command: 'connect',
  destination: { host, port: Number(port) },
}).then(({ socket }) => {
  socket.pipe(process.stdout);
  process.stdin.pipe(socket);
});
