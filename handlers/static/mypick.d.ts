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
  close(): void;
}
