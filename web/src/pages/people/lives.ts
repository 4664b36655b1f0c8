// How long tokens may live, as offered in forms.
const HOUR = 3_600;
const DAY = 86_400;

export const LIVES = [
  { value: String(HOUR), label: "1 hour" },
  { value: String(8 * HOUR), label: "8 hours" },
  { value: String(DAY), label: "1 day" },
  { value: String(7 * DAY), label: "7 days" },
  { value: String(30 * DAY), label: "30 days" },
  { value: String(90 * DAY), label: "90 days" },
];

export const USUAL_LIFE = String(30 * DAY);

/** How long a token that was replaced goes on. */
export const OVERLAPS = [
  { value: "0", label: "It ends at once" },
  { value: String(HOUR), label: "1 hour" },
  { value: String(DAY), label: "1 day" },
  { value: String(7 * DAY), label: "7 days" },
];
