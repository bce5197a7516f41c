/** @file What is refused, held and allowed; the lists that come with the server; and what a text would come to. */
import { newId } from "../../mypick/errors.js";
import { client } from "../client.js";
import { $, announce, el, icon } from "../dom.js";
import { wireForm } from "../forms.js";
import { PagedList } from "../lists.js";
import { describe } from "../problems.js";
import { attempt } from "../room/moderating.js";
import { t } from "../texts.js";
import { toast } from "../toast.js";

export function startTerms(place) {
  const writes = place.may("set_terms");
  let effect = "block";
  const list = new PagedList($("#term-list"), {
    class: "terms",
    load: (cursor, signal) => client.request("GET", `${place.path}/terms`, null, { query: { effect, cursor, limit: 100 }, signal }),
    draw: row,
    empty: () => el("p", { class: "muted" }, t("manage.terms.none")),
  });

  function choose(next) {
    effect = next;
    for (const button of document.querySelectorAll("[data-effect]")) button.setAttribute("aria-pressed", String(button.dataset.effect === effect));
    $("#term-about").textContent = t(`manage.terms.${effect}.about`);
  }
  for (const button of document.querySelectorAll("[data-effect]")) {
    button.addEventListener("click", () => {
      choose(button.dataset.effect);
      list.reload();
    });
  }
  choose(effect);

  function row({ id, text }) {
    const remove = async () => {
      const done = await attempt(() => client.request("DELETE", `${place.path}/terms/${id}`), null, "terms");
      if (!done) return;
      announce(t("manage.terms.removed", { term: text }));
      const next = drawn.nextElementSibling ?? drawn.previousElementSibling;
      drawn.remove();
      if (next) $("button", next).focus();
      else {
        list.reload();
        $("#term").focus();
      }
    };
    const drawn = el("li", { class: "term", data: { id } }, el("span", {}, text), writes && el("button", { type: "button", "aria-label": t("manage.terms.removeName", { term: text }), title: t("manage.terms.removeName", { term: text }), on: { click: remove } }, icon("close")));
    return drawn;
  }

  const form = $("#term-form");
  form.hidden = !writes;
  wireForm(form, {
    situation: "terms",
    send: async ({ term }) => {
      const text = term.trim();
      await client.request("PUT", `${place.path}/terms`, { cid: newId(), text, effect });
      form.reset();
      toast({ text: t(`manage.terms.${effect}.done`, { term: text }), kind: "good" });
      await list.reload();
      $("#term").focus();
    },
  });

  const result = $("#try-result");
  $("#try-form").addEventListener("input", () => (result.hidden = true));
  wireForm($("#try-form"), {
    situation: "terms",
    send: async ({ tried }) => {
      const { data } = await client.request("POST", `${place.path}/text-tries`, { text: tried.trim() });
      const words = t(`manage.terms.try.${data.effect ?? "sent"}`, { term: data.term ?? "" });
      result.className = `tried ${data.effect ?? "sent"}`;
      result.textContent = data.listed ? `${words} ${t("manage.terms.try.listed")}` : words;
      result.hidden = false;
    },
  });

  const boxes = [...document.querySelectorAll("#term-lists input")];
  for (const box of boxes) {
    box.addEventListener("change", async () => {
      const languages = boxes.filter(({ checked }) => checked).map(({ value }) => value);
      try {
        await client.request("PUT", `${place.path}/term-lists`, { cid: newId(), languages });
        announce(t("settings.saved"));
      } catch (error) {
        box.checked = !box.checked;
        toast({ text: describe(error, "terms"), kind: "bad" });
      }
    });
  }

  async function lists() {
    try {
      const { data } = await client.request("GET", `${place.path}/term-lists`);
      for (const box of boxes) box.checked = data.languages.includes(box.value);
      $("#term-lists").disabled = !writes;
    } catch (error) {
      toast({ text: describe(error, "terms"), kind: "bad" });
    }
  }
  return () => Promise.all([list.reload(), lists()]);
}
