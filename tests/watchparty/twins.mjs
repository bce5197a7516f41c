// Plays recorded inputs through the client's own modules and writes what they answered: JSON in, JSON out.
import { ServerClock } from "../../handlers/static/mypick/party/clock.js";
import { Drift } from "../../handlers/static/mypick/party/drift.js";
import { Announced, PartyTimeline } from "../../handlers/static/mypick/party/timeline.js";

let text = "";
for await (const chunk of process.stdin) text += chunk;

function play({ rates, settle, steps }) {
  const clock = new ServerClock();
  const timeline = new PartyTimeline();
  const drift = new Drift(timeline, rates, settle);
  return steps.map(([what, ...given]) => {
    if (what === "announce") return [timeline.announce(new Announced(...given)), timeline.latest?.seq ?? null];
    if (what === "reset") return timeline.reset(new Announced(...given)) ?? null;
    if (what === "settle") return timeline.settle(...given) ?? null;
    if (what === "catch-up") return drift.catchUp() ?? null;
    if (what === "burst") return clock.burst() ?? null;
    if (what === "exchange") return [clock.add(...given), clock.offset, clock.rtt, clock.wait, clock.ready, clock.settled];
    if (what === "awake") return [clock.awake(...given), clock.ready];
    const [now, state, position_ms] = given;
    const { wake_at, mode, error_ms, commands } = drift.tick(now, { state, position_ms });
    return [wake_at, mode, error_ms, commands, drift.behind, drift.seeks, drift.orders.rateChanges, drift.orders.start.usual, drift.orders.seek.usual, drift.orders.seek.high];
  });
}

process.stdout.write(JSON.stringify(JSON.parse(text).map(play)));
