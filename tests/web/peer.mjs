// A small server that keeps the wire: what the client's tests talk to. REST on node:http, sockets by the official server.
import { createServer } from "node:http";
import { once } from "node:events";
import { Server } from "socket.io";

export class Peer {
  life = 3600; // of an access token, s
  refreshes = 0;
  reused = 0;
  log = [];
  done = new Map(); // cid → reply
  calls = []; // {method, path, key, token}
  fail = []; // answers to give before the real one: [status, code, headers?]
  sockets = new Set();
  #access = new Set();
  #refresh = new Set();
  #count = 0;

  async start() {
    this.http = createServer((request, response) => this.#rest(request, response));
    this.io = new Server(this.http, { pingInterval: 2_000 });
    this.room = this.io.of("/notifications");
    this.room.use((socket, next) => {
      if (this.#access.has(socket.handshake.auth.token)) next();
      else next(Object.assign(new Error("bad"), { data: { code: "UNAUTHENTICATED", message: "no" } }));
    });
    this.room.on("connection", (socket) => this.#connected(socket));
    this.http.listen(0, "127.0.0.1");
    await once(this.http, "listening");
    this.url = `http://127.0.0.1:${this.http.address().port}`;
    return this;
  }

  async stop() {
    this.io.disconnectSockets(true);
    await this.io.close();
  }

  forget() {
    this.#access.clear();
  }

  append(title, { tell = true } = {}) {
    const event = { stream: "inbox:1", epoch: "e1", seq: this.log.length + 1, id: 100 + this.log.length, at: "", data: { title } };
    this.log.push(event);
    if (tell) this.room.emit("new-notification", event);
    return event;
  }

  #issue() {
    this.#count += 1;
    const pair = { access_token: `a${this.#count}`, refresh_token: `r${this.#count}`, expires_in: this.life };
    this.#access.add(pair.access_token);
    this.#refresh.add(pair.refresh_token);
    return { user: { id: 1, email: "fan@example.com" }, ...pair };
  }

  async #rest(request, response) {
    let text = "";
    for await (const chunk of request) text += chunk;
    const body = text ? JSON.parse(text) : {};
    const path = new URL(request.url, "http://x").pathname.replace("/api/v1", "");
    const token = (request.headers.authorization ?? "").replace("Bearer ", "");
    const answer = (status, content, headers = {}) => {
      response.writeHead(status, { "Content-Type": "application/json", ...headers });
      response.end(JSON.stringify(content));
    };
    const refuse = (status, code, headers) => answer(status, { success: false, error: { code, message: code } }, headers);
    const give = (data) => answer(200, { success: true, data });
    if (path === "/auth/login") return body.password === "right" ? give(this.#issue()) : refuse(401, "UNAUTHENTICATED");
    if (path === "/auth/refresh") {
      this.refreshes += 1;
      if (this.#refresh.delete(body.refresh_token)) return give(this.#issue());
      this.reused += 1;
      return refuse(401, "UNAUTHENTICATED");
    }
    this.calls.push({ method: request.method, path, key: request.headers["idempotency-key"], token });
    if (this.fail.length) return refuse(...this.fail.shift());
    if (!this.#access.has(token)) return refuse(401, "UNAUTHENTICATED");
    return give({ path });
  }

  #connected(socket) {
    this.sockets.add(socket);
    socket.on("disconnect", () => this.sockets.delete(socket));
    socket.on("sync", ({ after_seq: after, limit, epoch }, ack) => {
      const reset = epoch !== undefined && epoch !== "e1";
      const events = reset ? [] : this.log.slice(after, after + limit).map((event) => ({ type: "new-notification", ...event }));
      const more = !reset && after + events.length < this.log.length;
      ack({ ok: true, data: { stream: "inbox:1", epoch: "e1", head_seq: this.log.length, floor_seq: 0, reset, events, more } });
    });
    socket.on("clock", ({ t0 }, ack) => {
      const now = performance.now() + 5_000;
      ack({ ok: true, data: { t0, t1: now, t2: now } });
    });
    socket.on("refresh-auth", ({ token }, ack) => {
      this.refreshedWith = token;
      ack({ ok: true, data: { expires_in: this.life } });
    });
    socket.on("send-message", (command, ack) => {
      const known = this.done.get(command.cid);
      const reply = known ?? { ok: true, data: { seq: this.done.size + 1 } };
      this.done.set(command.cid, reply);
      if (this.loseReplies > 0) {
        this.loseReplies -= 1;
        if (this.cutInstead) socket.conn.close();
      } else ack(reply);
    });
    socket.on("typing-once", (_, ack) => {
      this.typed = (this.typed ?? 0) + 1;
      if (this.typed > 1) ack({ ok: true, data: {} });
    });
    socket.on("busy", (_, ack) => {
      this.busy = (this.busy ?? 0) + 1;
      const error = { code: "RATE_LIMITED", message: "wait", retryable: true, retry_after_ms: 20 };
      ack(this.busy < 3 ? { ok: false, error } : { ok: true, data: { tries: this.busy } });
    });
    socket.on("forbidden", (_, ack) => ack({ ok: false, error: { code: "FORBIDDEN", message: "no", retryable: false } }));
  }
}
