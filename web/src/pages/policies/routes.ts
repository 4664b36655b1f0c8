// The routes of the policies pages. Only loaded when they are visited.
import type { RouteObject } from "react-router";

export const routes: RouteObject[] = [
  {
    path: "policies",
    handle: { admin: true },
    lazy: () => import("./layout"),
    children: [
      { index: true, lazy: () => import("./index") },
      { path: "data-classes", lazy: () => import("./classes/index") },
      { path: "data-classes/:name", lazy: () => import("./classes/one") },
      { path: "explain", lazy: () => import("./explain/index") },
      { path: "tests", lazy: () => import("./tests/index") },
      { path: "dry-run", lazy: () => import("./dryrun/index") },
      { path: "history", lazy: () => import("./history/index") },
    ],
  },
];
