import { client, followProfileLanguage, nextPath } from "../client.js";
import { $ } from "../dom.js";
import { revealable, wireForm } from "../forms.js";
import { t } from "../texts.js";

if (client.user) location.replace(nextPath());

const query = new URLSearchParams(location.search);
if (query.get("why") === "ended") $("#lead").textContent = t("signIn.ended");
else if (query.has("next")) $("#lead").textContent = t("signIn.first");

$("#other").search = location.search;
revealable($("#password"));
wireForm($("#form"), {
  situation: "login",
  send: async ({ email, password }) => {
    followProfileLanguage(await client.logIn(email.trim(), password));
    location.replace(nextPath());
  },
});
