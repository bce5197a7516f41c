/** @file Doing something in a party, and telling in the person's words what went wrong. */
import { describe } from "../problems.js";
import { toast } from "../toast.js";

/** @returns {Promise<any>} what `work` gives, `null` where it failed; `situation` chooses the words for why */
export async function attempt(work, done = null, situation = "party") {
  try {
    const result = await work();
    if (done) toast({ text: done, kind: "good" });
    return result ?? true;
  } catch (error) {
    if (!error.code) throw error;
    toast({ text: describe(error, situation), kind: "bad" });
    return null;
  }
}
