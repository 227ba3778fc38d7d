/** uWebSockets.js: the bytes it lends go straight back; its own publish broadcasts. The binary is loaded itself, so that no slow stand-in is. */
import { requirePeer } from '../../installed.ts';
import { announce, certificateFile, keyFile, mode, tls } from './listen.ts';

interface Socket {
  send(data: ArrayBuffer, binary: boolean, compress: boolean): number;
  subscribe(topic: string): boolean;
}
interface App {
  ws(pattern: string, behavior: object): App;
  publish(topic: string, data: ArrayBuffer, binary: boolean, compress: boolean): boolean;
  listen(host: string, port: number, listening: (socket: object) => void): App;
}
interface Library {
  App(): App;
  SSLApp(options: { key_file_name: string; cert_file_name: string }): App;
  DISABLED: number;
  us_socket_local_port(socket: object): number;
}

const { platform, arch, versions } = process;
const binary = `uws_${platform}_${arch}_${versions.modules}.node`;
const uws = requirePeer<Library>(`@trufflesuite/uws-js-unofficial/binaries/${binary}`);

const app = tls ? uws.SSLApp({ key_file_name: keyFile, cert_file_name: certificateFile }) : uws.App();
app.ws('/*', {
  compression: uws.DISABLED,
  maxPayloadLength: 64 << 20,
  maxBackpressure: 256 << 20,
  idleTimeout: 0,
  sendPingsAutomatically: false,
  open(socket: Socket) {
    if (mode === 'broadcast') socket.subscribe('all');
  },
  message(socket: Socket, message: ArrayBuffer, binary: boolean) {
    if (mode === 'echo') socket.send(message, binary, false);
    else app.publish('all', message, binary, false);
  },
});
app.listen('127.0.0.1', 0, socket => announce(uws.us_socket_local_port(socket)));
