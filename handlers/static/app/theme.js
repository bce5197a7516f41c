/** @file Light, dark, or as the device says; kept here too, so that the first paint has it. */

export function applyTheme(theme) {
  const root = document.documentElement;
  try {
    localStorage.setItem("mypick.theme", theme);
  } catch {
    // The browser forbids storage: the theme is applied a moment after each load instead.
  }
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  else delete root.dataset.theme;
}
