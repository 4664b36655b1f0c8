// The program behind a sign-in, in the words of a reader: browsers call themselves by very long names.

// What many others also claim to be comes last.
const BROWSERS: [RegExp, string][] = [
  [/\bEdgA?\/(\d+)/, "Edge"],
  [/\bOPR\/(\d+)/, "Opera"],
  [/\bFirefox\/(\d+)/, "Firefox"],
  [/Chrome\/(\d+)/, "Chrome"],
  [/\bVersion\/(\d+)[\d.]* (?:Mobile\/\S+ )?Safari\//, "Safari"],
];

const SYSTEMS: [RegExp, string][] = [
  [/\bAndroid\b/, "Android"],
  [/\b(?:iPhone|iPad)\b/, "iOS"],
  [/\bMac OS X\b/, "macOS"],
  [/\bWindows\b/, "Windows"],
  [/\bLinux\b/, "Linux"],
];

/** `Chrome 156 on Linux`; what is no browser stays as it is. */
export function program(name: string): string {
  if (!name.startsWith("Mozilla/")) return name;
  for (const [looks, browser] of BROWSERS) {
    const version = looks.exec(name)?.[1];
    if (version === undefined) continue;
    const system = SYSTEMS.find(([pattern]) => pattern.test(name))?.[1];
    return `${browser} ${version}${system ? ` on ${system}` : ""}`;
  }
  return name;
}
