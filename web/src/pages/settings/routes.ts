// The routes of the settings pages. Only loaded when they are visited.
import type { RouteObject } from "react-router";

export const routes: RouteObject[] = [
  {
    path: "settings",
    handle: { admin: true },
    lazy: () => import("./layout"),
    children: [
      { index: true, lazy: () => import("./index") },
      { path: "identity-providers", lazy: () => import("./providers/index") },
      { path: "identity-providers/:name", lazy: () => import("./providers/one") },
      { path: "notifiers", lazy: () => import("./notifiers/index") },
      { path: "notifiers/+new", lazy: () => import("./notifiers/choose") },
      { path: "notifiers/+new/:integration", lazy: () => import("./notifiers/begin") },
      { path: "notifiers/:name", lazy: () => import("./notifiers/one") },
    ],
  },
];
