// The routes of the connections pages. Only loaded when they are visited.
import type { RouteObject } from "react-router";

const handle = { admin: true };

export const routes: RouteObject[] = [
  { path: "connections", lazy: () => import("./index") },
  { path: "connections/new", handle, lazy: () => import("./edit") },
  { path: "connections/:name", lazy: () => import("./one") },
  { path: "connections/:name/edit", handle, lazy: () => import("./edit") },
];
