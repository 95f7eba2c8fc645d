// Node's socks, UDP ASSOCIATE: node_associate.js HOST PORT TEXT; sends one datagram, prints who answered and what.
'use strict';
const dgram = require('dgram');
const { SocksClient } = require('socks');

const [host, port, text] = process.argv.slice(2);
const client = new SocksClient({
  proxy: { host: '10.77.1.1', port: 1080, type: 5 },
  command: 'associate',
  destination: { host: '0.0.0.0', port: 0 },
});
client.on('established', ({ socket, remoteHost: relay }) => {
  const datagrams = dgram.createSocket('udp4');
  datagrams.on('message', (message) => {
    const { remoteHost, data } = SocksClient.parseUDPFrame(message);
    console.log(`${remoteHost.host}:${remoteHost.port} ${data}`);
    datagrams.close();
    socket.destroy();
  });
  const frame = SocksClient.createUDPFrame({ remoteHost: { host, port: Number(port) }, data: Buffer.from(text) });
  datagrams.send(frame, relay.port, relay.host);
});
client.on('error', (error) => {
  console.error(error.message);
  process.exitCode = 1;
});
client.connect();
