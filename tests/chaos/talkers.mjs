// Many who use the client library that the server gives out, in one process. Lines of JSON in: what to do; lines out:
// what each of them has applied, and what became of what they said.
import { createInterface } from "node:readline";
import { io } from "socket.io-client";
import { MyPick } from "../../handlers/static/mypick.js";

const talkers = new Map();
const say = (told) => process.stdout.write(`${JSON.stringify(told)}\n`);
const OPTIONS = { reconnectionDelay: 100, reconnectionDelayMax: 500 };

async function open({ id, url, email, password, room }) {
  const client = new MyPick({ url, io, socketOptions: OPTIONS });
  client.on("session", (reason) => say({ id, session: reason }));
  await client.logIn(email, password);
  const inbox = client.namespace("/notifications").connect();
  inbox.onState((state) => say({ id, state }));
  inbox.stream(`inbox:${client.user.id}`, { onEvent: (event) => say({ id, inbox: event }), onReset: () => say({ id, reset: true }) });
  if (!room) {
    await inbox.emit("clock", { t0: 0 });
    talkers.set(id, { client, inbox });
    say({ id, open: true });
    return;
  }
  const community = client.namespace("/community").connect();
  const join = ({ epoch, after_seq }) =>
    community.emit("join-room", epoch ? { room_id: room, epoch, after_seq } : { room_id: room }, { retries: 0, expires: 15_000 });
  const started = Promise.withResolvers?.() ?? defer();
  community.stream(`room:${room}`, { sync: join, onEvent: (event) => say({ id, room: event }), onReset: started.resolve });
  await started.promise; // an empty room: from here on everything is live, or missed and asked for
  talkers.set(id, { client, inbox, community, room });
  say({ id, open: true });
}

function defer() {
  const deferred = {};
  deferred.promise = new Promise((resolve) => (deferred.resolve = resolve));
  return deferred;
}

const orders = {
  open,
  async say({ id, text }) {
    const { community, room } = talkers.get(id);
    const { seq, duplicate } = await community.emit("send-message", { room_id: room, text });
    say({ id, said: text, seq, duplicate });
  },
  /** What was sent before this is asked has arrived when it is answered. */
  async settle({ id }) {
    const { inbox, community } = talkers.get(id);
    await inbox.emit("clock", { t0: 0 });
    await community?.emit("clock", { t0: 0 });
    say({ id, settled: true });
  },
  drop({ id }) {
    talkers.get(id)?.inbox.socket.io.engine?.transport.close();
  },
};

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const { what, ...told } = JSON.parse(line);
    Promise.resolve(orders[what](told)).catch(({ code, message }) => say({ id: told.id, failed: what, text: told.text, code, message }));
  })
  .on("close", () => process.exit(0));
