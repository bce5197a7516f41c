// A video made on the spot: Chromium's own encoders, and a WebM file around what they give. Nothing is downloaded.

/**
 * A WebM of `seconds`: a running number on changing colours and a short tone each second, with a key frame each second
 * and an index of them, so that a player can go anywhere at once.
 * @param {import("playwright-core").Page} page of an address of this machine: encoders want a secure context
 * @returns {Promise<Buffer>}
 */
export async function makeVideo(page, seconds) {
  return Buffer.from(await page.evaluate(record, seconds), "base64");
}

/** Runs in the page. */
async function record(seconds) {
  const [fps, rate, width, height] = [20, 48_000, 320, 180];
  const failures = [];
  const error = (problem) => failures.push(problem);
  const frames = [];
  const sounds = [];
  let opusHead = null;

  const canvas = new OffscreenCanvas(width, height);
  const pen = canvas.getContext("2d");
  const video = new VideoEncoder({ error, output: (chunk) => frames.push(chunk) });
  video.configure({ codec: "vp8", width, height, framerate: fps, bitrate: 200_000, latencyMode: "realtime" });
  for (let n = 0; n < seconds * fps; n += 1) {
    pen.fillStyle = `hsl(${(n * 3) % 360} 60% 30%)`;
    pen.fillRect(0, 0, width, height);
    pen.fillStyle = "white";
    pen.font = "bold 64px sans-serif";
    pen.fillText((n / fps).toFixed(2), 60, 112);
    const frame = new VideoFrame(canvas, { timestamp: (n * 1e6) / fps, duration: 1e6 / fps });
    video.encode(frame, { keyFrame: n % fps === 0 });
    frame.close();
    if (video.encodeQueueSize > 20) await new Promise((done) => video.addEventListener("dequeue", done, { once: true }));
  }
  const audio = new AudioEncoder({
    error,
    output: (chunk, about) => {
      if (about?.decoderConfig?.description) opusHead ??= new Uint8Array(about.decoderConfig.description);
      sounds.push(chunk);
    },
  });
  audio.configure({ codec: "opus", sampleRate: rate, numberOfChannels: 1, bitrate: 16_000 });
  for (let second = 0; second < seconds; second += 1) {
    const data = Float32Array.from({ length: rate }, (_, n) => (n < rate / 20 ? 0.1 * Math.sin((2 * Math.PI * 880 * n) / rate) : 0));
    audio.encode(new AudioData({ format: "f32", sampleRate: rate, numberOfFrames: rate, numberOfChannels: 1, timestamp: second * 1e6, data }));
    if (audio.encodeQueueSize > 20) await new Promise((done) => audio.addEventListener("dequeue", done, { once: true }));
  }
  await Promise.all([video.flush(), audio.flush()]);
  if (failures.length) throw failures[0];

  // EBML (RFC 8794) and Matroska (RFC 9559): an element is an id, a length and what it holds
  const bytes = (value, size) => Uint8Array.from({ length: size }, (_, at) => Math.floor(value / 256 ** (size - 1 - at)) % 256);
  const join = (parts) => {
    const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
    return all;
  };
  const element = (id, ...parts) => {
    const body = join(parts);
    const length = bytes(body.length, 8);
    length[0] = 1; // a length of eight bytes
    return join([Uint8Array.from(id.match(/../g), (two) => parseInt(two, 16)), length, body]);
  };
  const number = (id, value, size = 4) => element(id, bytes(value, size));
  const float = (id, value) => element(id, new Uint8Array(Float64Array.of(value).buffer).reverse());
  const text = (id, value) => element(id, new TextEncoder().encode(value));

  const header = element("1A45DFA3", number("4286", 1), number("42F7", 1), number("42F2", 4), number("42F3", 8), text("4282", "webm"), number("4287", 4), number("4285", 2));
  const info = element("1549A966", number("2AD7B1", 1_000_000), float("4489", seconds * 1000), text("4D80", "tests"), text("5741", "tests"));
  const tracks = element(
    "1654AE6B",
    element("AE", number("D7", 1), number("73C5", 1), number("83", 1), text("86", "V_VP8"), element("E0", number("B0", width), number("BA", height))),
    element("AE", number("D7", 2), number("73C5", 2), number("83", 2), text("86", "A_OPUS"), element("63A2", opusHead), number("56AA", 6_500_000), number("56BB", 80_000_000), element("E1", float("B5", rate), number("9F", 1))),
  );
  const block = (track, chunk, from) => {
    const data = new Uint8Array(chunk.byteLength);
    chunk.copyTo(data);
    return element("A3", Uint8Array.of(0x80 | track), bytes(Math.round(chunk.timestamp / 1000) - from, 2), Uint8Array.of(chunk.type === "key" ? 0x80 : 0), data);
  };
  const blocks = [...frames.map((chunk) => [1, chunk]), ...sounds.map((chunk) => [2, chunk])].sort(([a, one], [b, other]) => one.timestamp - other.timestamp || a - b);
  const seconds_ = Array.from({ length: seconds }, () => []);
  for (const [track, chunk] of blocks) seconds_[Math.min(seconds - 1, Math.floor(chunk.timestamp / 1e6))].push([track, chunk]);
  const clusters = seconds_.map((held, second) => element("1F43B675", number("E7", second * 1000), ...held.map(([track, chunk]) => block(track, chunk, second * 1000))));
  const index = (start) => {
    let at = start;
    const points = clusters.map((cluster, second) => {
      const point = element("BB", number("B3", second * 1000), element("B7", number("F7", 1), number("F1", at)));
      at += cluster.length;
      return point;
    });
    return element("1C53BB6B", ...points);
  };
  const before = info.length + tracks.length;
  const file = join([header, element("18538067", info, tracks, index(before + index(0).length), ...clusters)]);
  let binary = "";
  for (let at = 0; at < file.length; at += 32_768) binary += String.fromCharCode(...file.subarray(at, at + 32_768));
  return btoa(binary);
}
