/** @file What all sections of the page know: the community, who looks at it, and how it is moderated over REST. */
import { newId } from "../../mypick/errors.js";
import { client } from "../client.js";
import { may } from "../ranks.js";
import { roomName } from "../room/rooms.js";

const SANCTIONS = { "timeout-member": "timeouts", "ban-member": "bans", "unban-member": "unbans" };

export class Place {
  /** Those who hear what changes at the moderators' desk, by kind. */
  watchers = {};
  /** Purges that were begun here: whom each is about. */
  begun = new Map();
  about = null;

  constructor(id) {
    this.id = id;
    this.path = `/communities/${id}`;
  }

  get role() {
    return this.about?.role ?? null;
  }

  may(action) {
    return may(this.role, action);
  }

  async load() {
    this.about = (await client.request("GET", `${this.path}/about`)).data;
  }

  /** What holds in the whole community is asked for in the name of one room, whichever it is. */
  get room() {
    return this.about.rooms[0].id;
  }

  /** `null` for one that is not listed. */
  nameOfRoom(id) {
    const room = this.about.rooms.find((one) => one.id === id);
    return room ? roomName(room.name) : null;
  }

  /** As `sanction` of a room: see `mypick/room.js`. */
  sanction(command, userId, more = {}) {
    return client.request("POST", `/rooms/${this.room}/${SANCTIONS[command]}`, { user_id: userId, cid: newId(), ...more });
  }
}
