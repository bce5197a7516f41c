/** Types of mypick.js. */

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Milliseconds that never jump. */
  monotonic(): number;
  setTimeout(run: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
}

export interface KeyValueStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

export interface Options {
  url?: string;
  /** `io` of the official `socket.io-client`; needed for `namespace`. */
  io?: unknown;
  fetch?: typeof globalThis.fetch;
  storage?: KeyValueStorage;
  clock?: Clock;
  random?: () => number;
  locks?: LockManager;
  /** More options of the official client's Manager. */
  socketOptions?: Record<string, unknown>;
}

export interface User {
  id: number;
  email: string;
  display_name: string;
  avatar_url: string | null;
  locale: "ko" | "en";
  timezone: string;
  [more: string]: unknown;
}

export type SessionReason = "signed-in" | "refreshed" | "signed-out" | "ended";
export type ConnectionState = "closed" | "connecting" | "online" | "reconnecting" | "draining" | "signed-out";

export class MyPickError extends Error {
  constructor(
    code: string,
    message: string,
    more?: { retryable?: boolean; retryAfterMs?: number | null; details?: unknown; status?: number },
  );
  /** A code of the server, or `OFFLINE`, `TIMEOUT`, `QUEUE_FULL`, `CLOSED`. */
  code: string;
  retryable: boolean;
  retryAfterMs: number | null;
  details: any;
  /** HTTP status; 0 where there was none. */
  status: number;
}

export interface Answer<T = any> {
  data: T;
  pagination: { next_cursor: string | null; limit: number } | null;
  metadata: any;
}

export interface RequestOptions {
  query?: Record<string, string | number | boolean | null | undefined>;
  idempotencyKey?: string;
  retries?: number;
  signal?: AbortSignal;
}

export interface EmitOptions {
  /** Wait for one reply, ms; 5,000. */
  timeout?: number;
  /** Tries after the first; 5. */
  retries?: number;
  /** Wait for everything, ms; 60,000. */
  expires?: number;
  /** For a command that this client does not know. */
  idempotent?: boolean;
}

export interface DurableEvent<T = any> {
  type: string;
  stream: string;
  epoch: string;
  seq: number;
  id: number | string;
  at: string;
  actor?: { id: number; name: string; avatar_url: string | null };
  data: T;
}

export interface Position {
  epoch: string;
  seq: number;
}

export interface SyncReply {
  stream: string;
  epoch: string;
  head_seq: number;
  floor_seq: number;
  reset: boolean;
  events: DurableEvent[];
  more: boolean;
  [more: string]: any;
}

export interface StreamOptions {
  /** Each event once, in order of `seq`. */
  onEvent(event: DurableEvent): void;
  /** The position is gone: drop what was built from the stream and build it anew. */
  onReset?(reply: SyncReply): void;
  onError?(error: MyPickError): void;
  /** Keep it, to go on from here another day. */
  onPosition?(position: Position): void;
  position?: Position;
  /** Ask for nothing before `begin` has said where to start. */
  waitForSnapshot?: boolean;
  /** Events of one sync; 200, which is the most. */
  limit?: number;
  /** Events held while a gap is closed; 500. */
  maxHeld?: number;
}

export class Stream {
  constructor(
    key: string,
    options: StreamOptions & { sync(asked: object): Promise<SyncReply>; clock?: Clock; random?: () => number },
  );
  readonly key: string;
  readonly epoch: string | null;
  readonly seq: number;
  readonly position: Position | null;
  readonly behind: boolean;
  /** Nothing more will come: it was closed here, or the server evicted it. */
  readonly closed: boolean;
  begin(position: Position): void;
  receive(event: DurableEvent): void;
  reached(headSeq: number, epoch?: string): void;
  resume(): void;
  pause(): void;
  close(): void;
}

export class Namespace {
  readonly name: string;
  readonly state: ConnectionState;
  connect(): this;
  close(): void;
  on(event: string, listener: (payload: any) => void): () => void;
  onState(listener: (state: ConnectionState, error?: MyPickError) => void): () => void;
  emit<T = any>(event: string, data?: object, options?: EmitOptions): Promise<T>;
  send(event: string, data?: object): void;
  stream(key: string, options: StreamOptions): Stream;
  forget(key: string): void;
  syncClock(rounds?: number): Promise<{ offset: number; rtt: number; now(): number }>;
}

export interface Message {
  readonly id: number;
  /** Its place in the room. */
  readonly seq: number;
  readonly at: string;
  readonly author: { id: number; name: string; avatar_url: string | null } | null;
  /** Plain text, empty where it was deleted; `<@17>` names one of `mentions`. */
  readonly text: string;
  readonly rev: number;
  readonly edited_at: string | null;
  readonly deleted: boolean;
  /** Reports took it from view; a moderator will look. */
  readonly hidden: boolean;
  readonly mentions: { id: number; name: string; avatar_url: string | null }[];
  readonly reply_to: number | null;
  readonly thread_id: number | null;
  readonly reactions: { emoji: string; count: number; mine: boolean }[];
  readonly pinned: boolean;
  readonly preview: { url: string; kind: "page" | "image"; title: string; description: string; site: string } | null;
}

/** What was written and the room does not show yet. */
export interface Unsent {
  readonly cid: string;
  readonly text: string;
  readonly reply_to: number | null;
  readonly state: "waiting" | "sending" | "sent" | "held" | "failed";
  readonly error: MyPickError | null;
}

export class Room {
  readonly id: number;
  readonly state: "joining" | "live" | "away" | "out";
  /** Why one is `out`, or not in yet. */
  readonly error: MyPickError | null;
  /** Whose room it is; known once one is in. */
  readonly communityId: number | null;
  readonly role: string | null;
  readonly mode: { slow_seconds: number; members_only: boolean; follow_minutes: number; locked: boolean; unique_text: boolean } | null;
  readonly online: number;
  readonly timeout: { until: string | null; reason: string | null } | null;
  /** Up to where was read when the room was opened. */
  readonly readSeq: number | null;
  /** One unbroken stretch of the room, by `seq`. */
  readonly messages: Message[];
  readonly timeline: { readonly older: boolean; readonly newer: boolean; get(id: number): Message | null };
  readonly outbox: { readonly shown: Unsent[]; retry(cid: string): void; discard(cid: string): void };
  on(event: "reset" | "outbox" | "about" | "missed", listener: () => void): () => void;
  on(event: "added", listener: (messages: Message[]) => void): () => void;
  on(event: "changed", listener: (message: Message) => void): () => void;
  on(event: "typing", listener: (people: { id: number; name: string }[]) => void): () => void;
  on(event: "state", listener: (state: Room["state"]) => void): () => void;
  on(event: "event", listener: (event: DurableEvent) => void): () => void;
  open(): this;
  /** Shows an answer of `GET /rooms/{id}/messages` until one has come in. */
  show(page: { events: DurableEvent[]; more: boolean; own_reactions: object[] }): void;
  close(): void;
  loadOlder(): Promise<Message[]>;
  loadNewer(): Promise<Message[]>;
  goTo(seq: number): Promise<void>;
  goToLatest(): Promise<void>;
  /** `null` where 50 wait already. */
  send(text: string, options?: { replyTo?: number | null }): Unsent | null;
  edit(message: Message, text: string): Promise<{ seq: number; rev: number }>;
  remove(message: Message, reason?: string | null): Promise<{ seq: number }>;
  react(message: Message, emoji: string, on: boolean): Promise<void>;
  pin(message: Message, on: boolean): Promise<{ seq: number }>;
  report(message: Message, reason: string): Promise<unknown>;
  sanction(command: "timeout-member" | "ban-member" | "unban-member", userId: number, more?: object): Promise<unknown>;
  setMode(changes: object): Promise<unknown>;
  markRead(seq: number): void;
  typing(): void;
}

/** What a party needs of a player. Positions are ms of the video. */
export interface PartyPlayer {
  /** Speeds that it has, ascending; `fine` for any, `unknown` to find out. */
  rates: "fine" | "unknown" | number[];
  /** How long its positions are not believed after it changed what it does, ms; 500. */
  settle?: number;
  read(): {
    state: "playing" | "paused" | "stalled" | "seeking" | "ad" | "ended" | "blocked" | "none";
    position_ms: number;
  };
  play(): void;
  pause(): void;
  seek(ms: number): void;
  setRate(rate: number): void;
  onChange(listener: () => void): () => void;
  bufferedMs?(): number | null;
  release?(): void;
}

export class Html5Player implements PartyPlayer {
  constructor(video: HTMLVideoElement, clock: Clock);
  rates: "fine";
  read(): ReturnType<PartyPlayer["read"]>;
  play(): void;
  pause(): void;
  seek(ms: number): void;
  setRate(rate: number): void;
  onChange(listener: () => void): () => void;
  bufferedMs(): number;
  release(): void;
}

export class YouTubePlayer implements PartyPlayer {
  /** `api`: a `YT.Player` that is ready. */
  constructor(api: unknown, clock: Clock);
  rates: "unknown";
  read(): ReturnType<PartyPlayer["read"]>;
  play(): void;
  pause(): void;
  seek(ms: number): void;
  setRate(rate: number): void;
  onChange(listener: () => void): () => void;
  bufferedMs(): number;
  release(): void;
}

/** One announcement of a party's timeline; moments are the server's, ms. */
export interface PartyTimeline {
  readonly seq: number;
  readonly status: "idle" | "waiting" | "playing" | "paused" | "ended";
  readonly playing: boolean;
  readonly content_id: number | null;
  readonly anchor_position_ms: number;
  readonly anchor_at_ms: number;
  readonly rate: number;
  readonly effective_at_ms: number;
  position(at: number): number;
}

/** One look at the player. */
export interface PartyStep {
  /** `idle`, `standing`, `starting`, `following`, `correcting`, `seeking`, `stalled`, `ad`, `blocked` … */
  mode: string;
  /** Ms behind the party; below 0 it is ahead; null while nobody can know. */
  error_ms: number | null;
  wake_at: number;
  commands: [string, number][];
}

export interface PartyMember {
  user: { id: number; name: string; avatar_url: string | null };
  role: "guest" | "cohost" | "host";
  since_ms: number | null;
}

export interface QueueItem {
  id: number;
  content: any | null;
  added_by: PartyMember["user"] | null;
  added_at: string;
  votes: number;
  /** Of items with as many votes the lowest is played first. */
  place: number;
}

export interface PartyMessage {
  id: number;
  at: string;
  author: PartyMember["user"] | null;
  /** Empty where it was deleted. */
  text: string;
  deleted: boolean;
  content_id: number;
  /** Where in the content it was said, ms. */
  position_ms: number;
}

export class Party {
  readonly id: number | null;
  readonly state: "joining" | "live" | "away" | "out";
  /** Why one is `out`, or not in yet. */
  readonly error: MyPickError | null;
  /** As the server shows it. */
  readonly party: any;
  readonly role: PartyMember["role"] | null;
  readonly online: number;
  readonly members: Map<number, PartyMember>;
  /** What is played next, in that order. */
  readonly queue: QueueItem[];
  /** Ids of the items of `queue` that one has voted for. */
  readonly ownVotes: Set<number>;
  /** The newest before one came, and all since; 400 at most. */
  readonly messages: PartyMessage[];
  /** What was announced last, in force or about to be. */
  readonly latest: PartyTimeline | null;
  /** What holds now; null until the server's time is known. */
  readonly now: {
    status: PartyTimeline["status"];
    content_id: number | null;
    position_ms: number;
    rate: number;
    playing: boolean;
    at_ms: number;
  } | null;
  readonly step: PartyStep | null;
  /** Too far off to catch up by itself: offer `catchUp`. */
  readonly behind: boolean;
  readonly rtt: number;
  /** `messages`: they begin anew. */
  on(event: "about" | "queue" | "messages", listener: () => void): () => void;
  on(event: "timeline", listener: (timeline: PartyTimeline) => void): () => void;
  on(event: "step", listener: (step: PartyStep) => void): () => void;
  on(event: "event", listener: (event: DurableEvent) => void): () => void;
  on(event: "reactions", listener: (told: any) => void): () => void;
  on(event: "state", listener: (state: Party["state"]) => void): () => void;
  open(): this;
  close(): void;
  /** The player that shows `contentId`, by default what is played now. */
  attach(player: PartyPlayer, contentId?: number | null): void;
  detach(): void;
  /** Jump to where the party is; also after a touch of the page, where the browser let nothing play. */
  catchUp(): void;
  play(): Promise<{ seq: number }>;
  pause(): Promise<{ seq: number }>;
  seek(positionMs: number): Promise<{ seq: number }>;
  setRate(rate: number): Promise<{ seq: number }>;
  load(contentId: number, positionMs?: number): Promise<{ seq: number }>;
  /** Shown in `queue` at once, and taken back where it fails. */
  vote(itemId: number, on: boolean): Promise<{ seq: number | null }>;
  /** Any other command of the party. */
  ask<T = any>(command: string, more?: object): Promise<T>;
}

export class MyPick {
  constructor(options?: Options);
  readonly url: string;
  readonly user: User | null;
  on(event: "session", listener: (reason: SessionReason, user: User | null) => void): () => void;
  register(person: { email: string; password: string; display_name: string }): Promise<User>;
  logIn(email: string, password: string): Promise<User>;
  logOut(): Promise<void>;
  request<T = any>(
    method: "GET" | "POST" | "PATCH" | "PUT" | "DELETE",
    path: string,
    body?: object | null,
    options?: RequestOptions,
  ): Promise<Answer<T>>;
  namespace(name: string): Namespace;
  /** A room of a community; `open()` it. */
  room(id: number): Room;
  /** A watch party; `open()` it. */
  party(id: number | null, options?: { invite?: string }): Party;
  html5Player(video: HTMLVideoElement): Html5Player;
  youtubePlayer(api: unknown): YouTubePlayer;
  close(): void;
}
