// socket.io on Node as its documentation sets it up: the ws engine, no deflate, default pings, in-memory adapter.
import { createServer } from "node:http";
import { Server } from "socket.io";

const http = createServer();
const io = new Server(http, { transports: ["websocket"], perMessageDeflate: false });

io.of("/app").use((socket, next) => {
  next(socket.handshake.auth.token === "bench" ? undefined : new Error("UNAUTHENTICATED"));
});

io.of("/app").on("connection", (socket) => {
  socket.join("lobby");
  socket.on("echo", (text, ack) => ack(text));
  socket.on("broadcast", (news) => io.of("/app").to("lobby").emit("news", news));
});

http.listen(0, "127.0.0.1", 4096, () => {
  console.log(JSON.stringify({ event: "listening", port: http.address().port }));
});
