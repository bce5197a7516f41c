// Many official clients in one process. Lines of JSON in: what to do; lines out: what each of them was told, in order.
import { createInterface } from "node:readline";
import { io } from "socket.io-client";

const sockets = new Map();
const say = (told) => process.stdout.write(`${JSON.stringify(told)}\n`);

function open({ id, url, space, token }) {
  const socket = io(`${url}${space}`, { auth: { token }, reconnection: false, forceNew: true, timeout: 20_000 });
  sockets.set(id, socket);
  socket.on("connect", () => say({ id, up: true }));
  socket.on("connect_error", ({ data }) => say({ id, refused: data ?? null }));
  socket.on("disconnect", () => say({ id, down: true }));
  socket.onAny((event, data) => say({ id, event, data }));
}

createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, ...told } = JSON.parse(line);
  const socket = sockets.get(id);
  if (told.url) open({ id, ...told });
  else if (told.ask) socket?.emit(told.ask, told.data, (reply) => say({ id, ack: told.number, reply }));
  else if (told.drop) socket?.io.engine?.transport.close();
  else if (told.close) {
    socket?.removeAllListeners().offAny().disconnect();
    sockets.delete(id);
  }
}).on("close", () => process.exit(0));
