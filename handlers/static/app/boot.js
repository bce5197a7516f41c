// Runs before the first paint, so that nothing flickers: the theme, and whether somebody is signed in.
(() => {
  const root = document.documentElement;
  const read = (key) => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null; // the browser forbids storage
    }
  };
  const theme = read("mypick.theme");
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  const signedIn = read("mypick.session") !== null;
  root.dataset.session = signedIn ? "in" : "out";
  const page = root.dataset.page;
  if (signedIn && page === "home") location.replace("/feed");
  if (!signedIn && ["feed", "communities", "community", "room", "discussion", "desk", "manage", "invite", "parties", "party", "search", "notifications", "settings"].includes(page)) {
    location.replace("/sign-in?next=" + encodeURIComponent(location.pathname + location.search));
  }
})();
