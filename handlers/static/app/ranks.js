/** @file Who may do what in a community, by the server's own table, and who has which role there. */
import { client } from "./client.js";
import { lowest, roles } from "./texts.js";

const rank = (role) => Math.max(0, roles.indexOf(role ?? "newcomer"));

/** Whether `role` may do `action`, a name of the server's table such as `pin`. */
export const may = (role, action) => action in lowest && rank(role) >= rank(lowest[action]);

/** Whether `role` is above `other`: one acts only on those below. */
export const outranks = (role, other) => rank(role) > rank(other);

/** The roles that members are given, from the lowest up, and that `role` may give. */
export const givenBy = (role) => ["member", "vip", "moderator", "manager", "owner"].filter((one) => outranks(role, one));

/** Those with a role of their own, of whom the highest are read first: 100, which is more than a community has. */
const MAX_STAFF = 100;

export class Staff {
  #roles = new Map();

  async load(communityId) {
    const { data } = await client.request("GET", `/communities/${communityId}/members`, null, { query: { limit: MAX_STAFF } });
    this.#roles = new Map(data.filter(({ role }) => rank(role) > rank("member")).map(({ user, role }) => [user.id, role]));
  }

  roleOf(userId) {
    return this.#roles.get(userId) ?? null;
  }

  /** Whether somebody with `role` may do `action` to this person, whose rank must be lower. */
  mayTo(role, action, userId) {
    return may(role, action) && outranks(role, this.roleOf(userId));
  }
}
