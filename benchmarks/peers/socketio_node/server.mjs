// socket.io on Node as its documentation sets it up: the ws engine, no deflate, default pings; the in-memory adapter,
// or the Redis adapter where there is a REDIS_URL.
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { Redis } from "ioredis";
import { Server } from "socket.io";

const http = createServer();
const redis = process.env.REDIS_URL;
const links = redis ? [new Redis(redis), new Redis(redis)] : [];
await Promise.all(links.map((link) => link.ping()));
const options = { transports: ["websocket"], perMessageDeflate: false };
const io = new Server(http, redis ? { ...options, adapter: createAdapter(...links) } : options);

let stall = 0;
let watching = false;
const watch = () => {
  let last = performance.now();
  watching = true;
  setInterval(() => {
    const now = performance.now();
    stall = Math.max(stall, now - last - 1);
    last = now;
  }, 1);
};

io.of("/app").use((socket, next) => {
  next(socket.handshake.auth.token === "bench" ? undefined : new Error("UNAUTHENTICATED"));
});

io.of("/app").on("connection", (socket) => {
  socket.join("lobby");
  socket.on("echo", (text, ack) => ack(text));
  socket.on("broadcast", (news) => io.of("/app").to("lobby").emit("news", news));
  socket.on("stall", (_, ack) => {
    if (!watching) watch();
    ack({ ms: stall });
    stall = 0;
  });
});

http.listen(0, "127.0.0.1", 4096, () => {
  console.log(JSON.stringify({ event: "listening", port: http.address().port }));
});
