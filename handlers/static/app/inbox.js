/** @file The inbox of who is signed in, live: the bell, the feed and the list of notifications all look at this one. */
import { client } from "./client.js";

/** Newest notifications kept for the bell. */
const MAX_ITEMS = 50;

class Inbox extends EventTarget {
  unread = 0;
  items = []; // newest first, each {id, seq, at, data, read}
  known = false;
  state = "closed";
  #channel = null;
  #stream = null;
  #snapshotSeq = 0;
  #filled = false;

  /** Opens the connection; does nothing if nobody is signed in or the official client could not be loaded. */
  start() {
    if (!client.user || !client.io || this.#channel?.state === "online") return;
    if (this.#channel) {
      this.#channel.connect();
      return;
    }
    const channel = client.namespace("/notifications");
    this.#channel = channel;
    channel.on("unread-notifications", (snapshot) => this.#begin(snapshot));
    channel.on("notifications-read", (read) => this.#markLocally(read));
    channel.onState((state) => {
      this.state = state;
      this.#tell("state");
    });
    channel.connect();
  }

  /** Marks notifications as read here at once, on the server and on the person's other devices a moment later. */
  async markRead(which) {
    const before = { items: this.items, unread: this.unread };
    const change = this.items.filter((item) => !item.read && matches(item, which)).length;
    const unread = which.upto_seq === undefined ? Math.max(0, this.unread - change) : this.#unreadAbove(which.upto_seq);
    this.#markLocally({ ...which, unread_count: unread });
    try {
      const { unread_count: count } = await this.#sendRead(which);
      this.#markLocally({ ...which, unread_count: count });
    } catch (error) {
      Object.assign(this, before);
      this.#tell("change");
      throw error;
    }
  }

  markAllRead() {
    return this.markRead({ upto_seq: Math.max(this.#stream?.seq ?? 0, ...this.items.map((item) => item.seq)) });
  }

  /** Also the newest that are read already, once, for the bell's list. */
  async fill() {
    if (this.#filled) return;
    this.#filled = true;
    try {
      const { data, metadata } = await client.request("GET", "/notifications", null, { query: { limit: 20 } });
      this.#merge(data);
      if (!this.known) this.unread = metadata?.unread_count ?? this.unread;
      this.known = true;
      this.#tell("change");
    } catch (error) {
      this.#filled = false;
      throw error;
    }
  }

  async #sendRead(which) {
    if (this.#channel?.state === "online") return this.#channel.emit("mark-read", which, { expires: 10_000 });
    if (which.upto_seq === undefined) throw Object.assign(new Error("offline"), { code: "OFFLINE" });
    return (await client.request("POST", "/notifications/read", which)).data;
  }

  #begin(snapshot) {
    const { stream: key, epoch, head_seq: head, unread_count: unread, items } = snapshot;
    this.unread = unread;
    this.#snapshotSeq = head;
    const unreadNow = new Set(items.map((item) => item.id));
    const oldest = Math.min(...items.map((item) => item.seq));
    // Read elsewhere while this page was away: known here as unread, but not in the newest 50 unread any more.
    for (const item of this.items) if (!unreadNow.has(item.id) && (unread === 0 || item.seq >= oldest)) item.read = true;
    this.#merge(items.map((item) => ({ ...item, read: false })));
    this.known = true;
    if (this.#stream?.key !== key || this.#stream.closed) {
      // A stream that an eviction closed takes nothing any more; the new one goes on from where it stood.
      const position = this.#stream?.key === key ? (this.#stream.position ?? undefined) : undefined;
      this.#stream = this.#channel.stream(key, {
        position,
        waitForSnapshot: true,
        onEvent: (event) => this.#arrive(event),
        onReset: () => {
          this.items = [];
          this.#filled = false;
          this.fill().catch(() => {}); // the next snapshot brings the unread ones in any case
          this.#tell("reset");
        },
      });
    }
    if (this.#stream.epoch === null) this.#stream.begin({ epoch, seq: head });
    else this.#stream.reached(head, epoch);
    this.#tell("change");
  }

  #arrive(event) {
    if (event.type !== "new-notification") return;
    const fresh = !this.items.some((item) => item.id === event.id);
    if (fresh) this.#merge([{ ...event, read: false }]);
    // What the snapshot already counted must not set the count back to what it was then.
    if (event.seq > this.#snapshotSeq) this.unread = event.data.unread_count;
    this.#tell("change");
    this.#tell("arrival", event);
  }

  #markLocally({ upto_seq: upto, ids, unread_count: unread }) {
    const which = { upto_seq: upto ?? undefined, ids: ids ?? undefined };
    this.items = this.items.map((item) => (matches(item, which) ? { ...item, read: true } : item));
    this.unread = unread;
    this.#tell("change");
    this.#tell("read", which);
  }

  #unreadAbove(seq) {
    return this.items.filter((item) => !item.read && item.seq > seq).length;
  }

  #merge(items) {
    const byId = new Map([...this.items, ...items].map((item) => [item.id, item]));
    this.items = [...byId.values()].sort((a, b) => b.seq - a.seq).slice(0, MAX_ITEMS);
  }

  #tell(name, detail = null) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

export const matches = (item, { upto_seq: upto, ids }) => (upto !== undefined && item.seq <= upto) || Boolean(ids?.includes(item.id));

export const inbox = new Inbox();
