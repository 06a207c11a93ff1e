// Airflow's own light or dark: its document around this frame carries the class; alone, the system's preference counts.

function outerTheme() {
  try {
    const classes = window.parent.document.documentElement.classList;
    if (window.parent !== window && classes.contains("dark")) return "dark";
    if (window.parent !== window && classes.contains("light")) return "light";
  } catch {
    // another origin around us: nothing to follow
  }
  return window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

function follow() {
  document.documentElement.dataset.theme = outerTheme();
}

follow();
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", follow);
try {
  new MutationObserver(follow).observe(window.parent.document.documentElement, { attributeFilter: ["class"] });
} catch {
  // as above
}
