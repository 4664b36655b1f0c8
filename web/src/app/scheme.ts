// Which colour scheme to start with: what was chosen in this browser, else what the system prefers.

export const SCHEME_KEY = "sluice-colour-scheme";

export function initialScheme(): "light" | "dark" {
  const chosen = stored();
  if (chosen === "light" || chosen === "dark") return chosen;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

function stored(): string | null {
  try {
    return localStorage.getItem(SCHEME_KEY);
  } catch {
    // Browsers may forbid storage; the system's scheme is fine then.
    return null;
  }
}
