// npm install socket.io-client
// node notifications.mjs fan@example.com "a long sentence 42"
import { setTimeout as sleep } from "node:timers/promises";
import { io } from "socket.io-client";

const SERVER = "https://mypick.example";
const [email, password] = process.argv.slice(2);

async function logIn() {
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ email, password });
  const answer = await (await fetch(`${SERVER}/api/v1/auth/login`, { method: "POST", headers, body })).json();
  if (!answer.success) throw new Error(`${answer.error.code}: ${answer.error.message}`);
  return answer.data.access_token;
}

let token = "";
let over = () => {};
let at = null; // the stream, its epoch, and the seq of the last event that was applied
let turn = Promise.resolve(); // events wait while a sync is under way
const inTurn = (work) => (turn = turn.then(work).catch((failure) => console.error(failure.message)));

const options = { autoConnect: false, reconnection: false, auth: (give) => give({ token }) };
const socket = io(`${SERVER}/notifications`, options);

function apply(event) {
  if (event.seq !== at.seq + 1) return; // seen before
  at.seq = event.seq;
  console.log(`${event.seq} ${event.data.title}: ${event.data.body}`);
}

async function resume() {
  for (let more = true; more; ) {
    const command = { stream: at.stream, epoch: at.epoch, after_seq: at.seq };
    const reply = await socket.timeout(10_000).emitWithAck("sync", command);
    if (!reply.ok) throw new Error(`${reply.error.code}: ${reply.error.message}`);
    if (reply.data.reset) return void (at = null); // away for too long: unread-notifications comes anew
    reply.data.events.forEach(apply);
    more = reply.data.more;
  }
}

socket.on("unread-notifications", ({ stream, epoch, head_seq, unread_count }) =>
  inTurn(async () => {
    console.log(`${unread_count} unread`);
    if (at?.epoch === epoch) return resume(); // here before: ask for what was missed
    at = { stream, epoch, seq: head_seq };
  }),
);
socket.on("new-notification", (event) =>
  inTurn(async () => {
    if (at?.epoch === event.epoch && event.seq <= at.seq + 1) apply(event);
    else if (at) await resume();
  }),
);
socket.on("lagged", () => inTurn(async () => at && resume()));
socket.on("disconnect", () => over());
socket.on("connect_error", (refusal) => {
  console.error(refusal.data?.code ?? "", refusal.message);
  over();
});

for (;;) {
  try {
    token = await logIn();
    const ended = new Promise((end) => (over = end));
    socket.connect();
    await ended;
  } catch (failure) {
    console.error(failure.message);
  }
  await sleep(10_000);
}
