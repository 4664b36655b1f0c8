// The routes of the people pages. Only loaded when they are visited.
import type { RouteObject } from "react-router";

const admin = { admin: true };

export const routes: RouteObject[] = [
  { path: "people", handle: admin, lazy: () => import("./index") },
  { path: "people/:id", handle: admin, lazy: () => import("./person") },
  { path: "people/:id/offboard", handle: admin, lazy: () => import("./offboard") },
  // What everybody may know and do about themselves.
  { path: "me", lazy: () => import("./me") },
];
