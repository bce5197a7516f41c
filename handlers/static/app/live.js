/** @file A stream of the community's namespace that one joins: each event once, in order, whatever the network does. */
import { client } from "./client.js";

/**
 * @param {string} key of the stream
 * @param {string} command that joins, such as `join-desk`
 * @param {object} place what it asks for
 * @param {object} on
 * @param {(event: any) => void} on.event
 * @param {(reply: any) => void} on.begin each snapshot: build anew
 * @param {{epoch: string, seq: number}} [from] what is shown holds all up to there: what came since is told first
 */
export function follow(key, command, place, { event, begin }, from) {
  if (!client.io) return null;
  const channel = client.namespace("/community").connect();
  const options = { timeout: 10_000, retries: 0, expires: 15_000 };
  let joinedOn = null;
  return channel.stream(key, {
    position: from,
    onEvent: event,
    onReset: ({ snapshot }) => begin(snapshot),
    sync: async (asked) => {
      const here = channel.socket.id;
      if (joinedOn === here) {
        const reply = await channel.emit("sync", asked, options);
        if (!reply.reset) return reply;
      }
      const known = asked.epoch && joinedOn !== here ? { epoch: asked.epoch, after_seq: asked.after_seq } : {};
      const reply = await channel.emit(command, { ...place, ...known }, options);
      joinedOn = here;
      return reply.reset ? { ...reply, snapshot: reply, events: [], more: false } : reply;
    },
  });
}
