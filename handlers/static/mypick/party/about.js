/**
 * @file What a party is and who is there, as the join and the events that followed make it.
 *
 * @typedef {{id: number, name: string, avatar_url: string | null}} Person
 * @typedef {{user: Person, role: "guest" | "cohost" | "host", since_ms: number | null}} Member
 */

export class About {
  /** As the server shows it. */
  party = null;
  /** One's own. @type {Member["role"] | null} */
  role = null;
  /** People there; in a large party more than `members` has. */
  online = 0;
  /** By the person's id. @type {Map<number, Member>} */
  members = new Map();
  #me;

  /** @param {number | null} me the id of who looks */
  constructor(me) {
    this.#me = me;
  }

  /** What the server says of now. */
  take({ party, role, online, members }) {
    Object.assign(this, { party, role, online, members: new Map(members.map((member) => [member.user.id, member])) });
  }

  /** One durable event. Whether anything is otherwise now. */
  change({ type, at, actor, data }) {
    if (type === "member-joined") this.members.set(actor.id, { user: actor, role: data.role, since_ms: data.since_ms });
    else if (type === "member-left") this.members.delete(data.user_id);
    else if (type === "host-changed") this.#hosts(data);
    else if (type === "party-changed") {
      const { roles, ...changes } = data;
      for (const { user_id: id, role } of roles) this.#setRole(id, role);
      this.party = { ...this.party, ...changes };
    } else if (type === "timeline" && data.reason === "party-ended") this.party = { ...this.party, ended_at: at };
    else return false;
    return true;
  }

  #hosts({ host_id: id, former_host_id: former }) {
    if (this.members.get(former)?.role === "host" || this.#me === former) this.#setRole(former, "guest");
    this.#setRole(id, "host");
    this.party = { ...this.party, host: this.members.get(id)?.user ?? { id, name: "", avatar_url: null } };
  }

  #setRole(id, role) {
    const member = this.members.get(id);
    if (member) this.members.set(id, { ...member, role });
    if (id === this.#me) this.role = role;
  }
}
