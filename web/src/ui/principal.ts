// Principals in words.

/** `ada` of `user:ada`. */
export const nameOf = (principal: string) => principal.slice(principal.indexOf(":") + 1);
