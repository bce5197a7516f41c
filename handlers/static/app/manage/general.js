/** @file Name, description, rules, and who may read. */
import { client } from "../client.js";
import { ask } from "../dialogs.js";
import { $ } from "../dom.js";
import { wireForm } from "../forms.js";
import { t } from "../texts.js";
import { toast } from "../toast.js";

const NAMES = ["name", "description", "rules", "visibility"];
/** From open to closed. */
const OPEN = ["public", "members", "private"];

export function startGeneral(place) {
  const form = $("#general-form");
  let touched = false; // what somebody has begun to change is not taken back
  const fill = () => {
    for (const name of NAMES) form.elements[name].value = place.about[name];
    touched = false;
  };
  form.addEventListener("input", () => (touched = true));
  wireForm(form, {
    send: async (values) => {
      const changes = Object.fromEntries(NAMES.map((name) => [name, values[name].replaceAll("\r\n", "\n").trim()]).filter(([name, value]) => value !== place.about[name]));
      if (!Object.keys(changes).length) return toast({ text: t("settings.saved"), kind: "good" });
      if (OPEN.indexOf(changes.visibility) > OPEN.indexOf(place.about.visibility)) {
        const title = t("manage.close.title", { how: t(`community.${changes.visibility}`) });
        if (!(await ask({ title, text: t("manage.close.text"), submit: t("message.save"), danger: true }))) return;
      }
      place.about = (await client.request("PATCH", `${place.path}/about`, changes)).data;
      fill();
      place.named();
      toast({ text: t("settings.saved"), kind: "good" });
    },
  });
  fill();
  return () => touched || fill();
}
