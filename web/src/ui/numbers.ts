// Counts and sizes in words.

const UNITS = ["KiB", "MiB", "GiB", "TiB"];
const grouped = new Intl.NumberFormat("en");

/** `12,345`. */
export function count(n: number): string {
  return grouped.format(n);
}

/** `1 row`, `2 rows`. */
export function counted(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** `512 B`, `1.5 KiB`, `23 MiB`. */
export function bytes(n: number): string {
  if (n < 1024) return `${n} B`;
  let size = n / 1024;
  let unit = 0;
  while (size >= 1023.5 && unit < UNITS.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${size < 10 ? Math.round(size * 10) / 10 : Math.round(size)} ${UNITS[unit]}`;
}

const short = new Intl.NumberFormat("en", { notation: "compact" });

/** `950`, `450K`, `1.5M`: for where there is no room. */
export function compact(n: number): string {
  return short.format(n);
}
