// The routes of the sessions pages. Only loaded when they are visited.
import type { RouteObject } from "react-router";

export const routes: RouteObject[] = [
  { path: "sessions", lazy: () => import("./index") },
  { path: "sessions/operations", lazy: () => import("./operations") },
  { path: "sessions/player", lazy: () => import("./player") },
  { path: "sessions/:id", lazy: () => import("./one") },
];
