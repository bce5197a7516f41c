import { client, nextPath, saveProfile } from "../client.js";
import { $ } from "../dom.js";
import { revealable, wireForm } from "../forms.js";
import { language } from "../texts.js";

if (client.user) location.replace(nextPath());

$("#other").search = location.search;
revealable($("#password"));
wireForm($("#form"), {
  situation: "register",
  send: async ({ display_name, email, password }) => {
    await client.register({ email: email.trim(), password, display_name: display_name.trim() });
    const timezone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    // The account exists: if this fails, the person finds both in the settings.
    await saveProfile({ locale: language, timezone }).catch(() => saveProfile({ locale: language })).catch(() => {});
    location.replace(nextPath() === "/feed" ? "/creators" : nextPath());
  },
});
